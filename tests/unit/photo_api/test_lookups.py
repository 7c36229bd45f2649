"""A lookup of the program is asked again while OpenStack is busy, and only then."""

import pytest

from stacks import photo_api_images

BUSY = "Expected HTTP response code [200 204 300] when accessing [GET …/image/v2/images], but got {} instead"


def asked(monkeypatch: pytest.MonkeyPatch, *failures: str) -> tuple[str, int]:
    """What a lookup found that fails as often as it is told, and how often it was asked."""
    monkeypatch.setattr(photo_api_images, "PAUSE_SECONDS", 0.0)
    left, count = list(failures), 0

    def ask() -> str:
        nonlocal count
        count += 1
        if left:
            raise RuntimeError(left.pop(0))
        return "found"

    return photo_api_images._patiently(ask), count


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_cloud_is_asked_again(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    assert asked(monkeypatch, BUSY.format(status), BUSY.format(status)) == ("found", 3)


def test_a_cloud_that_stays_busy_is_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match="but got 503"):
        asked(monkeypatch, *[BUSY.format(503)] * photo_api_images.ATTEMPTS)


def test_a_refusal_is_the_end_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match="but got 401"):
        asked(monkeypatch, BUSY.format(401))
