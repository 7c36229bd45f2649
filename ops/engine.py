"""The Pulumi command line as these commands use it: short questions, and one `up` that hears a signal once."""

import json
import signal
import subprocess
from collections.abc import Sequence
from types import FrameType
from typing import Any

from ops.errors import OpsError

PLAIN = ("--non-interactive", "--color", "never")


def ask(*arguments: str) -> str:
    """The standard output of a `pulumi` command; OpsError carries the engine's own sentence when it refuses."""
    try:
        answer = subprocess.run(["pulumi", *arguments, *PLAIN], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise OpsError("there is no `pulumi` on PATH: source .local/env.sh, or install Pulumi") from None
    if answer.returncode != 0:
        raise OpsError(f"`pulumi {' '.join(arguments)}` failed: {reason(answer.stderr or answer.stdout)}")
    return answer.stdout


def ask_json(*arguments: str) -> Any:
    """The same, for a command whose answer is JSON."""
    text = ask(*arguments)
    try:
        return json.loads(text)
    except ValueError as error:
        raise OpsError(f"`pulumi {' '.join(arguments)}` answered no JSON: {text[:200]!r}") from error


def reason(output: str) -> str:
    """The sentence a person needs first: the engine's first `error:`, else the last line it said."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for place, line in enumerate(lines):
        if line.startswith("error:"):
            sentence = line.removeprefix("error:").strip()
            if "unhandled exception" in sentence:
                return _exception(lines[place + 1 :]) or sentence
            return sentence
    return lines[-1] if lines else "it said nothing"


def _exception(lines: Sequence[str]) -> str | None:
    """The last line of the traceback that follows: `ValueError: ...`."""
    if not lines or not lines[0].startswith("Traceback"):
        return None
    for line in lines[1:]:
        head = line.split(":", 1)[0]
        if head.replace(".", "").isidentifier() and head[0].isalpha() and ":" in line and not line.startswith("File "):
            return line
    return None


def run(arguments: Sequence[str]) -> int:
    """Run `pulumi` to its end in view of the reader; its exit code.

    A second interrupt makes the engine abandon what it does. It runs in a process group of its own, so that ^C in a
    terminal (which goes to the whole group) and a runner's cancellation (which goes to this process alone) both reach
    it exactly once.
    """
    engine: subprocess.Popen[bytes] | None = None
    heard = told = False

    def forward(_number: int = 0, _frame: FrameType | None = None) -> None:
        """Before the engine lives the signal is kept for it."""
        nonlocal heard, told
        heard = True
        if engine is not None and not told:
            told = True
            engine.send_signal(signal.SIGINT)

    previous = {number: signal.signal(number, forward) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        engine = subprocess.Popen(["pulumi", *arguments, *PLAIN], stdin=subprocess.DEVNULL, process_group=0)
        if heard:
            forward()
        return engine.wait()
    except FileNotFoundError:
        raise OpsError("there is no `pulumi` on PATH: source .local/env.sh, or install Pulumi") from None
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
