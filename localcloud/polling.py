"""Waiting for something that tells nobody when it happens."""

import time
from collections.abc import Callable


def until(condition: Callable[[], bool], seconds: float, interval: float = 0.05) -> bool:
    """Poll until the condition holds (True) or the time is over (False)."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval)
    return True
