"""A lookup of the program is asked again while OpenStack is busy, and only then."""

import pytest

from stacks import photo_api_images
from stacks.patience import asked_again

BUSY = "Expected HTTP response code [200 204 300] when accessing [GET …/image/v2/images], but got {} instead"


def asked(*failures: str) -> tuple[str, int]:
    """What a lookup found that fails as often as it is told, and how often it was asked."""
    left, count = list(failures), 0

    def ask() -> str:
        nonlocal count
        count += 1
        if left:
            raise RuntimeError(left.pop(0))
        return "found"

    return asked_again(ask, photo_api_images.BUSY, photo_api_images.ATTEMPTS, 0.0), count


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_cloud_is_asked_again(status: int) -> None:
    assert asked(BUSY.format(status), BUSY.format(status)) == ("found", 3)


def test_a_cloud_that_stays_busy_is_the_end() -> None:
    with pytest.raises(RuntimeError, match="but got 503"):
        asked(*[BUSY.format(503)] * photo_api_images.ATTEMPTS)


def test_a_refusal_is_the_end_at_once() -> None:
    with pytest.raises(RuntimeError, match="but got 401"):
        asked(BUSY.format(401))
