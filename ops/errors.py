"""What an operator's command tells a person when it cannot go on, and how every command ends."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn


class OpsError(Exception):
    """One clear sentence for the person who typed the command; never a traceback."""


def say(line: str) -> None:
    """Print one line of progress, at once and apart from the result on standard output."""
    print(line, file=sys.stderr, flush=True)


def run_command(command: Callable[[Sequence[str] | None], int]) -> NoReturn:
    """End the process with the command's own code; a mistake becomes one sentence and code 1, ^C becomes 130."""
    try:
        sys.exit(command(None))
    except OpsError as error:
        # A runner shows lines of this form on the run's first page; without line breaks the sentence cannot start
        # another.
        prefix = "::error::" if os.environ.get("GITHUB_ACTIONS") == "true" else "error: "
        say(prefix + " ".join(str(error).split()))
        sys.exit(1)
    except KeyboardInterrupt:
        say("interrupted")
        sys.exit(130)
