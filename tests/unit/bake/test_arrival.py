"""The server of a run, found by its name: at once when it is there, with Nova's reason when it never will be."""

from dataclasses import dataclass, field

import pytest

from actions.bake.arrival import Arrival
from actions.bake.part import Part
from actions.errors import Cancelled, ReleaseError
from tests.virtual_clock import VirtualClock


@dataclass
class Seen:
    id: str
    status: str = "ACTIVE"
    fault: str = ""


@dataclass
class NovaDouble:
    """Servers of the name, as they come and go."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    servers: list[Seen] = field(default_factory=list)

    def named(self, name: str) -> list[Seen]:
        return list(self.servers)

    def then(self, seconds: float, *servers: Seen) -> None:
        self.clock.at(seconds, lambda: setattr(self, "servers", list(servers)))


def arrive(nova: NovaDouble, *outcomes: str | Exception, seconds: float = 300) -> str:
    """What the work found; each of its outcomes takes 2 s."""
    left = list(outcomes) or ["done"]

    def work() -> str:
        nova.clock.wait(2)
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return Arrival(nova, "run-1", seconds, nova.clock).then(Part(), 0.0, work)


def test_work_begins_as_soon_as_nova_says_active() -> None:
    nova = NovaDouble()
    nova.then(1, Seen("a", "BUILD"))
    nova.then(9, Seen("a"))
    assert arrive(nova) == "done" and 11 <= nova.clock.now() <= 13


def test_a_server_in_error_ends_it_with_novas_reason() -> None:
    nova = NovaDouble()
    nova.then(3, Seen("a", "ERROR", "No valid host was found"))
    with pytest.raises(ReleaseError, match="server run-1 went to ERROR: No valid host was found"):
        arrive(nova)
    assert nova.clock.now() < 30


def test_one_that_an_earlier_run_left_in_error_is_removed_meanwhile() -> None:
    nova = NovaDouble(servers=[Seen("old", "ERROR")])
    nova.then(8)
    nova.then(12, Seen("new"))
    assert arrive(nova) == "done"


def test_a_server_that_could_not_be_made() -> None:
    with pytest.raises(ReleaseError, match="there is no server run-1 for 31 s: it could not be made"):
        arrive(NovaDouble())


def test_a_server_that_builds_for_ever() -> None:
    nova = NovaDouble(servers=[Seen("a", "BUILD")])
    with pytest.raises(ReleaseError, match="server run-1 is BUILD after 31 s, not ACTIVE"):
        arrive(nova, seconds=30)


@pytest.mark.parametrize("first", ["prepared the old one", ReleaseError("the connection broke")])
def test_what_was_done_on_a_server_that_goes_is_done_again(first: str | Exception) -> None:
    """A killed run's server still has the name, until the next run removes it and makes another."""
    nova = NovaDouble(servers=[Seen("old")])
    nova.then(1, Seen("old"), Seen("new", "BUILD"))
    nova.then(4, Seen("new"))
    assert arrive(nova, first, "prepared the new one") == "prepared the new one"


@pytest.mark.parametrize("error", [ReleaseError("apt cannot install x"), Cancelled("it was told to stop")])
def test_a_failure_on_the_right_server_stays_one(error: ReleaseError) -> None:
    with pytest.raises(type(error), match=str(error)):
        arrive(NovaDouble(servers=[Seen("a")]), error)
