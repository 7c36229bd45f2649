"""Cutting an action off anywhere still lets it undo: real processes, really killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import until

ACTION = """
import sys
from pathlib import Path
from actions import lifeline
from actions.errors import Cancelled

def work(cancellation):
    notes = Path(sys.argv[1])
    notes.write_text("working")
    try:
        while True:
            cancellation.wait(0.05)
    except Cancelled as reason:
        with cancellation.shielded():
            cancellation.wait(0.2)
            notes.write_text(f"undone: {reason}")
        return 3

sys.exit(lifeline.run(work))
"""


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    (tmp_path / "action.py").write_text(ACTION)
    return tmp_path / "notes"


def start(notes: Path, shell: str) -> subprocess.Popen[bytes]:
    command = shell.format(action=f"{sys.executable} {notes.parent / 'action.py'} {notes}")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(["/bin/sh", "-c", command], env=environment)
    until(lambda: notes.exists() and notes.read_text() == "working", "the work begins", 10)
    return process


@pytest.mark.parametrize("shell", ["{action}", "{action}; true"], ids=["replaced by the action", "waiting for it"])
def test_a_killed_shell_is_noticed_and_everything_is_undone(notes: Path, shell: str) -> None:
    process = start(notes, shell)
    process.kill()
    process.wait()
    until(lambda: notes.read_text().startswith("undone"), "the work is undone", 10)


def test_a_signal_reaches_the_work_and_its_exit_code_comes_back(notes: Path) -> None:
    process = start(notes, "exec {action}")
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 3
    assert notes.read_text() == "undone: it was told to stop"
