"""Whether a host's container becomes healthy, and stays so, as the host itself sees it."""

from collections.abc import Callable

from actions.clock import Clock
from actions.errors import ReleaseError
from actions.hosts.host import HealthLook, HostMachine
from actions.rolling.plan import looping

ILL_LOOKS = 2  # in a row, of a container that was healthy before: one may be a question that got lost


class LocalHealth:
    """Looks at one host's container; `log` has each finding that differs from the one before, with its time."""

    def __init__(self, machine: HostMachine, clock: Clock) -> None:
        self._machine, self._clock = machine, clock
        self._began = clock.now()
        self._ill = 0
        self.log: list[str] = []

    def become(self, seconds: float, wait: Callable[[], None]) -> None:
        """Raises `ReleaseError` when the container is not healthy within `seconds`, or cannot be any more."""
        deadline = self._clock.now() + seconds
        states: list[str] = []
        while not (look := self._look()).healthy:
            states.append(look.state)
            if look.final or looping(states):
                raise ReleaseError(f"expected a healthy container, found it {look.state} and not recovering")
            if self._clock.now() >= deadline:
                raise ReleaseError(f"expected a healthy container within {seconds:g} s, found {_text(look)}")
            wait()

    def stay(self) -> None:
        """One more look at what was healthy; raises `ReleaseError` when health comes and goes."""
        look = self._look()
        self._ill = 0 if look.healthy else self._ill + 1
        if self._ill >= ILL_LOOKS:
            raise ReleaseError(f"expected a container that stays healthy, found {_text(look)} after it was healthy")

    def _look(self) -> HealthLook:
        look = self._machine.healthy()
        if not self.log or not self.log[-1].endswith(_text(look)):
            self.log.append(f"{self._clock.now() - self._began:.1f} s: {_text(look)}")
        return look


def _text(look: HealthLook) -> str:
    health = f" ({look.health})" if look.health else ""
    return f"container {look.state or 'missing'}{health}, {look.answer}"
