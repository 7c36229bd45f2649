"""What a step works with: its log, its commands, and one clear sentence when something fails."""

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from localcloud.polling import until
from localcloud.up.paths import LOGS, ROOT

LONGEST_LINE = 300  # characters of a log line shown; pip and go write longer ones
GRACE_SECONDS = 180.0  # an interrupted `pulumi up` first undoes a running release


class StepFailed(Exception):
    """A step could not keep its promise; the message is the sentence the user reads."""


class Interrupted(Exception):
    """Another step failed or the user pressed ^C; nothing new may start."""


class Processes:
    """The commands now running, so that ^C ends them, each asked politely first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False

    def start(self, argv: Sequence[str], **options: object) -> "subprocess.Popen[bytes]":
        """Start a command in a process group of its own; refuse once `interrupt` was called."""
        with self._lock:
            if self._closed:
                raise Interrupted
            process = subprocess.Popen(list(argv), process_group=0, **options)  # type: ignore[call-overload]
            self._running.add(process)
            return process  # type: ignore[no-any-return]

    def ended(self, process: "subprocess.Popen[bytes]") -> None:
        with self._lock:
            self._running.discard(process)

    def interrupt(self) -> None:
        """Ask every running command to end and let no other start."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """End every running command at once."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with self._lock:
            self._closed = True
            for process in self._running:
                _signal_group(process, number)


PROCESSES = Processes()


def _signal_group(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return  # just ended, or run by sudo as another user


class Job:
    """One run of one step: `say` tells the user, `run` executes, both leave traces in the step's log file."""

    def __init__(self, name: str, tell: Callable[[str], None]) -> None:
        self.name = name
        self._tell = tell
        LOGS.mkdir(parents=True, exist_ok=True)
        self.log = self.log_of(name)
        self.log.write_text("")

    def say(self, text: str) -> None:
        """Tell the user what happens now."""
        self.note(f"# {text}")
        self._tell(text)

    def note(self, text: str) -> None:
        """Write a line to the log file only."""
        with self.log.open("a") as log:
            log.write(text.rstrip("\n") + "\n")

    def run(
        self,
        *argv: str | Path,
        failure: str,
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
        stdin: Path | None = None,
        seconds: float = 1800,
    ) -> str:
        """Run a command, log its output and return what it printed on standard output; raise StepFailed(failure)."""
        code, out = self.attempt(*argv, env=env, cwd=cwd, stdin=stdin, seconds=seconds)
        if code != 0:
            raise StepFailed(failure)
        return out

    def attempt(
        self,
        *argv: str | Path,
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
        stdin: Path | None = None,
        seconds: float = 1800,
    ) -> tuple[int, str]:
        """Like `run`, but leave the judgement of the exit code to the caller."""
        command = [str(part) for part in argv]
        self.note("$ " + " ".join(command))
        with self.log.open("ab") as log, open(stdin or os.devnull, "rb") as source:
            try:
                process = PROCESSES.start(
                    command,
                    stdin=source,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    cwd=cwd,
                    env={**os.environ, **(env or {})},
                )
            except FileNotFoundError as error:
                raise StepFailed(f"the program {command[0]} is not installed") from error
            try:
                out = _read(process, log.fileno(), seconds)
            finally:
                PROCESSES.ended(process)
        if process.returncode < 0:
            self.note(f"ended by signal {-process.returncode}")
        return process.returncode, out

    def last_line(self) -> str:
        """The last line of the log that says something."""
        lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1] if lines else "it says nothing"

    @staticmethod
    def log_of(name: str) -> Path:
        """Where the step of this name writes its log."""
        return LOGS / f"{name.replace(' ', '-')}.log"

    @classmethod
    def tail_of(cls, name: str, lines: int = 20) -> str:
        """The end of a step's log; nothing when it has none."""
        log = cls.log_of(name)
        if not log.exists():
            return ""
        return "\n".join(line[:LONGEST_LINE] for line in log.read_text(errors="replace").splitlines()[-lines:])


def _read(process: "subprocess.Popen[bytes]", log: int, seconds: float) -> str:
    """Copy standard output to the log while it comes; end the command at its time limit."""
    assert process.stdout is not None  # noqa: S101 - opened as a pipe above
    timer = threading.Timer(seconds, lambda: _signal_group(process, signal.SIGTERM))
    timer.daemon = True
    timer.start()
    try:
        collected = bytearray()
        with process.stdout as source:
            while chunk := os.read(source.fileno(), 65536):
                os.write(log, chunk)
                collected += chunk
        process.wait()
    finally:
        timer.cancel()
    return collected.decode(errors="replace")


def as_root(*argv: str | Path) -> tuple[str | Path, ...]:
    """The command with the rights to change the machine; StepFailed when there is no way to get them."""
    if os.geteuid() == 0:
        return argv
    if shutil.which("sudo") is None:
        raise StepFailed(f"{argv[0]} needs root: run as root or install sudo")
    return ("sudo", "--non-interactive", "--preserve-env", *argv)


def wait_until(holds: Callable[[], bool], seconds: float, every: float = 0.25) -> bool:
    """`until` at the pace of checks that start a program or talk to an engine."""
    return until(holds, seconds, every)
