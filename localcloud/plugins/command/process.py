"""Run one shell command the way pulumi-command does, traps included.

Cancelling kills the shell only, then waits until every process that holds its pipes is gone: a command that must undo
something gets the time for it, and one that ignores its parent's death blocks the engine, as with the original.
"""

import os
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, cast

from ..server import PluginError

# The original's scanner stops at a line over 64 KiB and the engine hangs. This one cuts such a line into pieces, so a
# command that prints one works here and hangs there: keep lines short.
_LOG_PIECE = 60 * 1024
_ENVIRONMENT = dict(os.environ)  # before gRPC or anything else can add to it


@dataclass(frozen=True, kw_only=True)
class Run:
    """What to run, and where its lines go while it runs."""

    command: str
    interpreter: Sequence[str]
    environment: Mapping[str, str]
    directory: str | None
    stdin: str | None
    show_stdout: Callable[[str], None] | None
    show_stderr: Callable[[str], None] | None


def run(what: Run, cancelled: threading.Event, timeout: float) -> tuple[str, str]:
    """Standard output and error of a successful command; a failing one raises PluginError with both."""
    both: list[bytes] = []
    try:
        process = subprocess.Popen(
            [*what.interpreter, what.command],
            env={**_ENVIRONMENT, **what.environment},
            cwd=what.directory,
            stdin=subprocess.PIPE if what.stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        raise PluginError(f"{error}: running {what.command!r}") from error
    ended = threading.Event()
    killer = threading.Thread(target=_kill_when, args=(process, cancelled, ended, timeout), daemon=True)
    killer.start()
    stdout, stderr = _follow(process, what, both)
    code = process.wait()
    ended.set()
    if code != 0:
        reason = f"exit status {code}" if code > 0 else f"signal: {_signal_name(-code)}"
        streams = b"".join(both).decode(errors="replace")
        raise PluginError(f'{reason}: running "{what.command}":\n{streams}')
    return stdout, stderr


def _follow(process: "subprocess.Popen[bytes]", what: Run, both: list[bytes]) -> tuple[str, str]:
    """Read both pipes until the last holder has closed them."""
    stdout, stderr = cast(IO[bytes], process.stdout), cast(IO[bytes], process.stderr)
    results: dict[str, bytes] = {}

    def read(name: str, pipe: IO[bytes], show: Callable[[str], None] | None) -> None:
        chunks = []
        while line := pipe.readline(_LOG_PIECE):
            chunks.append(line)
            both.append(line)
            if show:
                show(line.decode(errors="replace").rstrip("\n"))
        results[name] = b"".join(chunks)

    readers = [
        threading.Thread(target=read, args=("stdout", stdout, what.show_stdout), daemon=True),
        threading.Thread(target=read, args=("stderr", stderr, what.show_stderr), daemon=True),
    ]
    for reader in readers:
        reader.start()
    if what.stdin is not None and process.stdin:
        try:
            process.stdin.write(what.stdin.encode())
            process.stdin.close()
        except BrokenPipeError:
            pass  # the command did not want its input
    for reader in readers:
        reader.join()
    return _text(results["stdout"]), _text(results["stderr"])


def _text(stream: bytes) -> str:
    return stream.decode(errors="replace").removesuffix("\n")


def _kill_when(
    process: "subprocess.Popen[bytes]", cancelled: threading.Event, ended: threading.Event, timeout: float
) -> None:
    """SIGKILL the shell, and nothing below it, on cancel or at the end of the time allowed."""
    waited = 0.0
    while not ended.is_set() and process.poll() is None:
        if cancelled.wait(0.1) or (timeout and waited > timeout):
            process.kill()
            return
        waited += 0.1


def _signal_name(number: int) -> str:
    return {9: "killed", 15: "terminated", 2: "interrupt", 11: "segmentation fault"}.get(number, str(number))
