"""From a server that works to one that is shut off and holds nothing of its own: marked first, then sealed from within.

The mark is the server's metadata, so that any later run knows what this one had begun.
"""

from typing import Protocol

from actions.bake.server import LOOK_SECONDS, Server, packed, pairs, program
from actions.clock import Clock
from actions.errors import ReleaseError
from actions.hosts.host import HostError
from actions.progress import Progress

MARK = "bake_sealed"
POLL_SECONDS = 1.0
SHUTOFF, ERROR = "SHUTOFF", "ERROR"


class Seen(Protocol):
    """A server as Nova sees it."""

    @property
    def status(self) -> str: ...

    @property
    def metadata(self) -> dict[str, str]: ...


class Nova(Protocol):
    """What sealing asks of Nova."""

    def get(self, server: str) -> Seen: ...

    def set_metadata(self, server: str, values: dict[str, str]) -> object: ...

    def stop(self, server: str) -> object: ...


class Sealing:
    """One server's."""

    def __init__(self, nova: Nova, identity: str, recipe: str, clock: Clock, progress: Progress) -> None:
        self._nova, self._identity, self._recipe = nova, identity, recipe
        self._clock, self._progress = clock, progress

    def begun(self) -> bool:
        """Whether an earlier run marked the server; `ReleaseError` when it was for another recipe."""
        seen = self._nova.get(self._identity)
        mark = seen.metadata.get(MARK, "")
        if mark and mark != self._recipe:
            raise ReleaseError(f"server {self._identity} was sealed for recipe {mark}, and {self._recipe} is wanted")
        if not mark and seen.status != "ACTIVE":
            raise ReleaseError(f"server {self._identity} is {seen.status}, and an ACTIVE one is wanted to build on")
        return bool(mark)

    def seal(self, server: Server, commit: str, seconds: float) -> None:
        """Marks the server, seals it and waits until it is shut off."""
        self._nova.set_metadata(self._identity, {MARK: self._recipe})
        self._start(server, commit)
        self._shut_off(server, seconds)

    def resume(self, server: Server, commit: str, seconds: float) -> None:
        """Ends what another run had begun: a server that answers is sealed again, one that does not is stopped."""
        if self._nova.get(self._identity).status == SHUTOFF:
            self._progress.say(f"{server.name}: an earlier run has sealed it")
            return
        try:
            server.reach()
        except HostError:
            self._progress.say(f"{server.name}: its sealing had taken the keys away; waiting for its end")
            self._shut_off(server, seconds)
            return
        self._progress.say(f"{server.name}: it still answers: sealing it again")
        self._start(server, commit)
        self._shut_off(server, seconds)

    def _start(self, server: Server, commit: str) -> None:
        text = program("seal", {"RUN": server.name, "RECIPE": self._recipe, "COMMIT": commit})
        server.run("begin_seal", LOOK_SECONDS, SEAL=packed(text))

    def _shut_off(self, server: Server, seconds: float) -> None:
        """SHUTOFF by itself, or by Nova where its own end takes too long."""
        if self._wait(server, seconds):
            return
        self._progress.say(f"{server.name}: not shut off after {seconds:.0f} s: Nova is told to stop it")
        self._nova.stop(self._identity)
        if not self._wait(server, seconds):
            status = self._nova.get(self._identity).status
            raise ReleaseError(
                f"server {self._identity} is still {status} {2 * seconds:.0f} s after its sealing: neither its own "
                "poweroff nor os-stop ended it; `pulumi up` tries again"
            )

    def _wait(self, server: Server, seconds: float) -> bool:
        deadline = self._clock.now() + seconds
        while (status := self._nova.get(self._identity).status) != SHUTOFF:
            if status == ERROR:
                raise ReleaseError(f"server {self._identity} went to ERROR while it was sealed")
            if self._clock.now() > deadline:
                return False
            self._look(server)
            self._clock.wait(POLL_SECONDS)
        return True

    def _look(self, server: Server) -> None:
        """A sealing that failed says so over the connection that still stands."""
        if not server.reached():
            return
        try:
            seen = pairs(server.run("look_seal", LOOK_SECONDS).out)
        except HostError:
            return  # it goes down
        if seen["seal"] == "ended":
            raise ReleaseError(f"{server.name}: sealing ended early: {seen['said'] or 'it said nothing'}")
