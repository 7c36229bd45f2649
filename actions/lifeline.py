"""Run an action so that cutting it off anywhere still lets it undo what it did.

On an interrupt the engine kills the command's shell with SIGKILL and nothing else, then waits for the pipes to close;
a killed engine sends nothing at all. So the work happens in a worker process of its own session. The first process
only watches: its parent's death, a signal, or its own death reach the worker as SIGTERM, and the worker ends by
raising `Cancelled` at its next wait.
"""

import ctypes
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from actions.errors import Cancelled

PR_SET_PDEATHSIG = 1  # linux/prctl.h
WATCH_SECONDS = 0.5


class Cancellation:
    """A request to stop, noticed at every wait; work that undoes things runs shielded from it."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._reason = ""
        self._shielded = False

    def ask(self, reason: str) -> None:
        self._reason = self._reason or reason
        self._asked.set()

    def check(self) -> None:
        if self._asked.is_set() and not self._shielded:
            raise Cancelled(self._reason)

    def wait(self, seconds: float) -> None:
        """Let `seconds` pass, or raise `Cancelled` as soon as it is asked for."""
        if self._shielded:
            time.sleep(seconds)
        else:
            self._asked.wait(seconds)
            self.check()

    @contextmanager
    def shielded(self) -> Iterator[None]:
        before, self._shielded = self._shielded, True
        try:
            yield
        finally:
            self._shielded = before


def run(work: Callable[[Cancellation], int]) -> int:
    """The exit code of `work`, which runs in a worker that outlives its parents long enough to undo."""
    parent, watcher = os.getppid(), os.getpid()
    worker = os.fork()
    if worker == 0:
        os._exit(_work(work, watcher))
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    handle = os.pidfd_open(worker)
    told = False
    while not select.select([handle], [], [], WATCH_SECONDS)[0]:
        if not told and (stop.is_set() or os.getppid() != parent):
            os.kill(worker, signal.SIGTERM)
            told = True
    return os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])


def _work(work: Callable[[Cancellation], int], watcher: int) -> int:
    os.setsid()
    cancellation = Cancellation()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: cancellation.ask("it was told to stop"))
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != watcher:
        cancellation.ask("its parent died")
    return work(cancellation)
