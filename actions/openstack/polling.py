"""Bounded waits: often at first, then less so, never all at the same moment."""

import random
from collections.abc import Callable, Iterator
from typing import TypeVar

from actions.clock import Clock
from actions.errors import ReleaseError

FIRST_SECONDS, LAST_SECONDS = 1.0, 5.0
OFTEN_SECONDS = 10.0  # as long it looks every second
GROWTH = 1.5
JITTER = 0.2  # of a pause, either way

T = TypeVar("T")


def until(clock: Clock, look: Callable[[], T | None], late: Callable[[], str], seconds: float, now: bool = True) -> T:
    """The first thing that `look` finds; `ReleaseError` with what `late` says after `seconds`."""
    deadline = clock.now() + seconds
    pauses = _pauses(clock)
    if not now:
        clock.wait(next(pauses))
    while True:
        clock.check()
        found = look()
        if found is not None:
            return found
        if clock.now() >= deadline:
            raise ReleaseError(late())
        clock.wait(min(next(pauses), max(0.1, deadline - clock.now())))


def _pauses(clock: Clock) -> Iterator[float]:
    began, pause = clock.now(), FIRST_SECONDS
    while True:
        yield pause * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - nobody guesses pauses
        if clock.now() - began > OFTEN_SECONDS:
            pause = min(pause * GROWTH, LAST_SECONDS)
