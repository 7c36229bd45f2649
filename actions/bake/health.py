"""Whether what was installed works, looked at on the server itself."""

from dataclasses import dataclass

from actions.bake.server import LOOK_SECONDS, Server
from actions.clock import Clock
from actions.errors import ReleaseError
from actions.progress import Progress

FIRST_SECONDS, GROWTH = 0.5, 1.5
RESTARTS_ARE_FINAL = 3  # a service that systemd had to start so often does not become healthy
LOG_LINES = 20


@dataclass(frozen=True, kw_only=True)
class Look:
    """One look."""

    units: dict[str, tuple[str, int]]  # service → state, restarts
    answer: str  # of the application; empty where there is none

    @classmethod
    def of(cls, output: str) -> "Look":
        lines = [line.split("=", 1) for line in output.splitlines() if "=" in line]
        fields = [value.split() for name, value in lines if name == "unit"]
        answers = [value for name, value in lines if name == "answer"]
        return cls(
            units={name: (state, int(restarts)) for name, state, restarts in fields},
            answer=answers[-1] if answers else "",
        )

    def trouble(self) -> tuple[str, str]:
        """The first service that is not well and why, or two empty strings."""
        for name, (state, restarts) in self.units.items():
            if state != "active":
                return name, f"{name} is {state} after {restarts} restarts"
        if self.answer and self.answer != "HTTP 200":
            return "photo-api", f"the application answers {self.answer}"
        return "", ""

    def final(self) -> bool:
        return any(state == "failed" or restarts >= RESTARTS_ARE_FINAL for state, restarts in self.units.values())


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Seconds."""

    limit: float
    interval: float  # the longest between two looks


def become_healthy(server: Server, port: int, path: str, patience: Patience, clock: Clock, progress: Progress) -> Look:
    """Looks at shorter, then longer intervals; `ReleaseError` with the end of the log when it does not come to be."""
    deadline, pause = clock.now() + patience.limit, FIRST_SECONDS
    while True:
        look = Look.of(server.run("health", LOOK_SECONDS, PORT=str(port), HEALTH_PATH=path).out)
        unit, trouble = look.trouble()
        if not trouble:
            return look
        if look.final() or clock.now() > deadline:
            for line in server.run("log", LOOK_SECONDS, UNIT=unit, LINES=str(LOG_LINES)).out.splitlines():
                progress.detail(f"log | {line}")
            waited = "and systemd has given it up" if look.final() else f"after {patience.limit:.0f} s"
            raise ReleaseError(f"{server.name}: not healthy: {trouble}, {waited}")
        clock.wait(min(pause, patience.interval))
        pause *= GROWTH
