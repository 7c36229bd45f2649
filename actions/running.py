"""How an action that prints one JSON object begins and ends: progress on standard error, one sentence when it fails."""

import json
from collections.abc import Callable
from typing import Any

from actions import lifeline
from actions.clock import Clock, RealClock
from actions.errors import ReleaseError
from actions.lifeline import Cancellation
from actions.progress import Progress


def run(work: Callable[[Clock, Progress], dict[str, Any]]) -> int:
    """The exit code; what `work` returns is the JSON object."""

    def worker(cancellation: Cancellation) -> int:
        progress = Progress()
        try:
            answer = work(RealClock(cancellation), progress)
        except ReleaseError as error:
            progress.say(f"failed: {error}")
            return 1
        print(json.dumps(answer), flush=True)
        return 0

    return lifeline.run(worker)
