"""Waiting in tests: poll until something holds, and say what did not happen in time."""

import time
from collections.abc import Callable
from typing import Any

PAUSE_SECONDS = 0.1


def until(condition: Callable[[], Any], what: str, seconds: float, shown: Callable[[], Any] = str) -> Any:
    """The first true value of `condition`; fails with `what` and what is `shown` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what} {shown()}".rstrip()
        time.sleep(PAUSE_SECONDS)
    return found
