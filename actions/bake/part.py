"""A part of a bake: its steps with their times, and what came of it, as one JSON object on standard output."""

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from actions import lifeline
from actions.errors import Cancelled, ReleaseError
from actions.lifeline import Cancellation
from actions.progress import Progress


class Part:
    """Steps as the summary wants them: name, begin and end in seconds since the epoch, and what each waited for."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.now = now
        self.began = now()
        self.steps: list[dict[str, Any]] = []

    @contextlib.contextmanager
    def step(self, name: str, after: Sequence[str] = ()) -> Iterator[None]:
        """Times a step, also when it fails."""
        began = self.now()
        try:
            yield
        finally:
            self.add(name, began, self.now(), after)

    def add(self, name: str, began: float, ended: float, after: Sequence[str] = ()) -> None:
        self.steps.append(
            {"name": name, "began": round(began, 2), "ended": round(ended, 2), "after": list(after)},
        )

    def done(self, **observed: Any) -> dict[str, Any]:
        return {**observed, "began": round(self.began, 2), "ended": round(self.now(), 2), "steps": self.steps}


def main(work: Callable[[Cancellation, Progress], Mapping[str, Any]]) -> None:
    """Runs `work` so that it can be cut off, prints what it observed, and ends the process."""

    def within(cancellation: Cancellation) -> int:
        progress = Progress()
        try:
            print(json.dumps(work(cancellation, progress)), flush=True)
        except (ReleaseError, OSError) as error:
            progress.say(f"{'cancelled' if isinstance(error, Cancelled) else 'failed'}: {error}")
            return 1
        return 0

    sys.exit(lifeline.run(within))
