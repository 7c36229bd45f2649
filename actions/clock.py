"""Time as an action sees it: what is injected, so that a simulated fleet can drive a release in no time."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from actions.lifeline import Cancellation

MOST_AT_ONCE = 100  # threads that mostly wait for a host

T = TypeVar("T")


class Clock(Protocol):
    """Seconds, waiting, and doing several things at once."""

    def now(self) -> float: ...

    def wait(self, seconds: float) -> None:
        """Raises `Cancelled` as soon as the run is told to stop."""

    def check(self) -> None:
        """Raises `Cancelled` when the run was told to stop."""

    def together(self, jobs: Sequence[Callable[[], T]]) -> list[T | Exception]:
        """Runs all at once; the result of each, or what it raised, in their order."""

    def shielded(self) -> AbstractContextManager[None]:
        """Within it a request to stop is not heard: for undoing."""


class RealClock:
    """The runner's own time, ended early by its cancellation."""

    def __init__(self, cancellation: Cancellation) -> None:
        self._cancellation = cancellation

    def now(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        self._cancellation.wait(seconds)

    def check(self) -> None:
        self._cancellation.check()

    def together(self, jobs: Sequence[Callable[[], T]]) -> list[T | Exception]:
        return together(jobs)

    def shielded(self) -> AbstractContextManager[None]:
        return self._cancellation.shielded()


def together(jobs: Sequence[Callable[[], T]]) -> list[T | Exception]:
    """Runs all in threads; the result of each, or what it raised, in their order."""
    with ThreadPoolExecutor(max(1, min(len(jobs), MOST_AT_ONCE))) as pool:
        return [_outcome(running.result) for running in [pool.submit(job) for job in jobs]]


def _outcome(result: Callable[[], T]) -> T | Exception:
    try:
        return result()
    except Exception as error:
        return error
