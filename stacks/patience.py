"""A question of the program whose answer decides what is declared, asked again where it failed for a moment."""

import re
import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def asked_again(ask: Callable[[], Answer], passing: re.Pattern[str], attempts: int, pause_seconds: float) -> Answer:
    """The answer; an error whose text is not of the `passing` ones, or that outlasts the attempts, is the end."""
    for _ in range(attempts - 1):
        try:
            return ask()
        except Exception as error:  # the SDK raises no narrower one
            if not passing.search(str(error)):
                raise
            time.sleep(pause_seconds)
    return ask()
