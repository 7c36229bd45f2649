"""The outputs of the last update are read also while the engine writes the state."""

from typing import Any

import pulumi
import pytest

from stacks import last_release

TORN = "invoke of pulumi:pulumi:readStackOutputs failed: failed to load checkpoint: EOF"


class Answer:
    value = {"outputs": {"imageTag": "v7", "tags": {"core": "core-1"}}}


class Engine:
    """Fails as often as it is told, then answers."""

    def __init__(self, *failures: str) -> None:
        self._failures = list(failures)
        self.asked: list[str] = []

    def invoke(self, _token: str, arguments: dict[str, Any]) -> type[Answer]:
        self.asked.append(arguments["name"])
        if self._failures:
            raise RuntimeError(self._failures.pop(0))
        return Answer


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Engine:
    made = Engine(*request.param)
    monkeypatch.setattr(pulumi.runtime, "invoke", made.invoke)
    monkeypatch.setattr(last_release, "PAUSE_SECONDS", 0.0)
    return made


@pytest.mark.parametrize("engine", [(), (TORN,), (TORN, TORN, TORN)], indirect=True)
def test_a_state_that_is_being_written_is_read_again(engine: Engine) -> None:
    assert last_release.last_released_tag() == "v7"
    assert last_release.last_released_tags() == {"core": "core-1"}


@pytest.mark.parametrize("engine", [(TORN,) * last_release.ATTEMPTS], indirect=True)
def test_a_state_that_stays_unreadable_is_the_end(engine: Engine) -> None:
    with pytest.raises(RuntimeError, match="failed to load checkpoint"):
        last_release.last_released_tag()
    assert len(engine.asked) == last_release.ATTEMPTS


@pytest.mark.parametrize("engine", [("no such backend",)], indirect=True)
def test_any_other_failure_is_the_end_at_once(engine: Engine) -> None:
    with pytest.raises(RuntimeError, match="no such backend"):
        last_release.last_released_tag()
    assert len(engine.asked) == 1
