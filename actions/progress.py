"""Progress on standard error: one short line per step, with the seconds since the action began.

The engine streams these lines into `pulumi up`. A line over 64 KiB would hang it, hence the cut.
"""

import contextlib
import sys
import time
from collections.abc import Iterator

LINE_LIMIT = 2000  # characters, far below the engine's 64 KiB


class Progress:
    """Prints steps and remembers how long each took (seconds, by step name)."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self.seconds: dict[str, float] = {}

    def elapsed(self) -> float:
        return time.monotonic() - self._started

    def say(self, text: str) -> None:
        """Never fails: nobody may be listening any more when the engine was killed."""
        with contextlib.suppress(OSError, ValueError):
            print(f"{self.elapsed():6.1f} s  {text[:LINE_LIMIT]}", file=sys.stderr, flush=True)

    def detail(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            print(f"          {text[:LINE_LIMIT]}", file=sys.stderr, flush=True)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Times a step, also when it fails."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(self.seconds.get(name, 0.0) + time.monotonic() - began, 1)
