"""A small graph of steps: what does not depend on each other runs side by side."""

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from localcloud.up.job import GRACE_SECONDS, PROCESSES, Interrupted, Job, StepFailed

WIDTH = 16  # of the column with the step's name


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing to set up: `done` looks whether it is there, `run` makes it so and may be repeated at will."""

    name: str
    needs: tuple[str, ...] = ()
    done: Callable[[], bool] = field(default=lambda: False)
    run: Callable[[Job], None]


def select(steps: Iterable[Step], goals: Iterable[str]) -> tuple[Step, ...]:
    """The goals and all they need, in the order given; ValueError for an unknown name or a need listed later."""
    by_name = {step.name: step for step in steps}
    order = {name: place for place, name in enumerate(by_name)}
    wanted: set[str] = set()
    pending = list(goals)
    while pending:
        name = pending.pop()
        if name not in by_name:
            raise ValueError(f"there is no step {name!r}, only {', '.join(by_name)}")
        if name in wanted:
            continue
        wanted.add(name)
        for need in by_name[name].needs:
            if order.get(need, len(order)) >= order[name]:
                raise ValueError(f"step {name!r} needs {need!r}, which does not come before it")
            pending.append(need)
    return tuple(step for step in by_name.values() if step.name in wanted)


class Run:
    """One walk through the steps; prints what happens, stops at the first failure."""

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self._steps = steps
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._stop = threading.Event()

    def execute(self) -> int:
        """Run every step; the exit code: 0, 1 after a failure, 130 after ^C."""
        finished: set[str] = set()
        running: dict[Future[None], str] = {}
        failures: list[str] = []
        with ThreadPoolExecutor(max_workers=len(self._steps) or 1) as pool:
            try:
                while len(finished) < len(self._steps):
                    if not failures:
                        busy = set(running.values())
                        for step in self._steps:
                            if step.name not in finished | busy and finished.issuperset(step.needs):
                                running[pool.submit(self._one, step)] = step.name
                    if not running:
                        break
                    ended, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in ended:
                        name = running.pop(future)
                        if future.exception() is None:
                            finished.add(name)
                        elif not isinstance(future.exception(), Interrupted):
                            failures.append(self._explain(name, future.exception()))
                            self._interrupt()
            except KeyboardInterrupt:
                return self._abandon(running)
        for failure in failures:
            print(f"\n{failure}", flush=True)
        return 1 if failures or len(finished) < len(self._steps) else 0

    def _one(self, step: Step) -> None:
        if self._stop.is_set():
            raise Interrupted
        started = time.monotonic()
        if step.done():
            self._print(step.name, "already there")
            return
        job = Job(step.name, lambda text: self._print(step.name, f"{text} …"))
        try:
            step.run(job)
        except StepFailed as failure:
            if self._stop.is_set():
                raise Interrupted from failure
            job.note(str(failure))
            raise
        self._print(step.name, f"done in {time.monotonic() - started:.1f} s")

    def _print(self, name: str, text: str) -> None:
        with self._lock:
            print(f"{time.monotonic() - self._started:6.1f} s  {name:<{WIDTH}} {text}", flush=True)

    def _explain(self, name: str, error: BaseException | None) -> str:
        job_log = Job.tail_of(name)
        if isinstance(error, StepFailed):
            return f"{job_log}\n\n{name}: {error}" if job_log else f"{name}: {error}"
        return f"{job_log}\n\n{name}: {type(error).__name__}: {error}"

    def _interrupt(self) -> None:
        self._stop.set()
        PROCESSES.interrupt()

    def _abandon(self, running: dict[Future[None], str]) -> int:
        """End what runs: once politely, at a second ^C or the deadline at once."""
        names = ", ".join(running.values()) or "nothing"
        self._print("^C", f"ending {names}; again to force")
        self._interrupt()
        try:
            _, left = wait(running, timeout=GRACE_SECONDS)
        except KeyboardInterrupt:
            left = set(running)
        if left:
            PROCESSES.kill()
        return 130
