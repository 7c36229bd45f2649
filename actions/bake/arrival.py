"""The server that carries a run's name, from the moment it is ACTIVE: whoever makes it may look less often.

After a run that was killed, another server may bear the name for a moment, until it is removed; what was done on that
one is done again.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from actions.bake.part import Part
from actions.clock import Clock
from actions.errors import Cancelled, ReleaseError

POLL_SECONDS = 1.0
MADE_SECONDS = 30.0  # without any server of the name
ERROR_SECONDS = 20.0  # in which one that an earlier `up` left in ERROR is removed
ACTIVE, ERROR = "ACTIVE", "ERROR"

T = TypeVar("T")


class Seen(Protocol):
    """A server as Nova sees it."""

    @property
    def id(self) -> str: ...

    @property
    def status(self) -> str: ...

    @property
    def fault(self) -> str: ...


class Nova(Protocol):
    """What is asked of Nova."""

    def named(self, name: str) -> Sequence[Seen]: ...


class Arrival:
    """One run's server."""

    def __init__(self, nova: Nova, run: str, seconds: float, clock: Clock) -> None:
        self._nova, self._run, self._seconds, self._clock = nova, run, seconds, clock

    def then(self, this: Part, began: float, work: Callable[[], T]) -> T:
        """What `work` found on the server, which bore the name before and after.

        `ReleaseError` when there is no such server in time or it went to ERROR, with Nova's reason.
        """
        while True:
            server = self._active()
            this.add("server", began, this.now(), after=["run"])
            try:
                found = work()
            except Cancelled:
                raise
            except ReleaseError:
                if self._still(server):
                    raise
                continue
            if self._still(server):
                return found

    def _active(self) -> str:
        began = seen = well = self._clock.now()
        while True:
            servers, now = self._nova.named(self._run), self._clock.now()
            broken = [server for server in servers if server.status == ERROR]
            if [server.status for server in servers] == [ACTIVE]:
                return servers[0].id
            seen, well = now if servers else seen, well if broken else now
            if now - well > ERROR_SECONDS:
                raise ReleaseError(f"server {self._run} went to ERROR: {broken[0].fault or 'Nova gives no reason'}")
            if now - seen > MADE_SECONDS:
                raise ReleaseError(f"there is no server {self._run} for {now - seen:.0f} s: it could not be made")
            if now - began > self._seconds:
                status = servers[0].status if servers else "not there"
                raise ReleaseError(f"server {self._run} is {status} after {now - began:.0f} s, not ACTIVE")
            self._clock.wait(POLL_SECONDS)

    def _still(self, server: str) -> bool:
        return [one.id for one in self._nova.named(self._run)] == [server]
