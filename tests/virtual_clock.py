"""Virtual time with threads that take turns: every run of the same code is the same run, and nothing really waits."""

import heapq
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from actions.errors import Cancelled

LONGEST_RUN = 100_000.0  # virtual seconds: more is a wait without an end

T = TypeVar("T")


class Killed(BaseException):
    """What kill -9 does to a run: nothing it still wants to do reaches the world."""


class VirtualClock:
    """Runs one thread at a time and moves on to whatever is due next; implements `actions.clock.Clock`."""

    def __init__(self) -> None:
        self.time = 0.0
        self.dead = False
        self.cancelled = ""
        self._shields = 0
        self._due: list[tuple[float, int, threading.Event | Callable[[], None]]] = []
        self._numbers = itertools.count()

    def now(self) -> float:
        return self.time

    def at(self, time: float, act: Callable[[], None]) -> None:
        """The world does something by itself."""
        heapq.heappush(self._due, (time, next(self._numbers), act))

    def check(self) -> None:
        if self.dead:
            raise Killed
        if self.cancelled and not self._shields:
            raise Cancelled(self.cancelled)

    def wait(self, seconds: float) -> None:
        self.check()
        self.pass_time(seconds)
        self.check()

    def pass_time(self, seconds: float) -> None:
        """Lets others act meanwhile; also for what takes its time in the world."""
        mine = threading.Event()
        heapq.heappush(self._due, (self.time + seconds, next(self._numbers), mine))
        self._next()
        mine.wait()

    def together(self, jobs: Sequence[Callable[[], T]]) -> list[T | Exception]:
        results: list[T | BaseException | None] = [None] * len(jobs)
        left = [len(jobs)]
        all_done = threading.Event()

        def run(index: int, turn: threading.Event) -> None:
            turn.wait()
            try:
                results[index] = jobs[index]()
            except BaseException as error:  # killed, too: the others must get their turn
                results[index] = error
            left[0] -= 1
            if not left[0]:
                heapq.heappush(self._due, (self.time, next(self._numbers), all_done))
            self._next()

        for index in range(len(jobs)):
            turn = threading.Event()
            heapq.heappush(self._due, (self.time, next(self._numbers), turn))
            threading.Thread(target=run, args=(index, turn), daemon=True).start()
        if jobs:
            self._next()
            all_done.wait()
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, Exception):
                raise result
        return results  # type: ignore[return-value]

    @contextmanager
    def shielded(self) -> Iterator[None]:
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1

    def _next(self) -> None:
        while True:
            time, _, due = heapq.heappop(self._due)
            if time > LONGEST_RUN:
                self.dead = True
            self.time = max(self.time, time)
            if isinstance(due, threading.Event):
                due.set()
                return
            due()
