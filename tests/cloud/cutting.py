"""Cut a `pulumi up` at a chosen moment, and find the actions that it started."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

from tests.cloud.project import Project


def cut(project: Project, line: str, blow: Callable[[int], object]) -> str:
    """Runs `pulumi up`, strikes when `line` is printed, and returns all it printed."""
    printed: list[str] = []
    struck = False
    with project.start("up", "--yes", "--skip-preview") as process:
        for text in process.stdout or ():
            printed.append(text)
            if not struck and line in text:
                blow(process.pid)
                struck = True
    assert struck, f"{line!r} never appeared:\n" + "".join(printed)
    return "".join(printed)


def kill_actions(project: Project, module: str) -> None:
    for process in actions_of(project, module):
        os.kill(process, signal.SIGKILL)


def actions_of(project: Project, module: str) -> list[int]:
    """The running actions of this module and this project, and of no other test's."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes()
            ours = (entry / "cwd").readlink() == project.path
        except OSError:  # not a process, or one that is gone
            continue
        if ours and module.encode() in command:
            found.append(int(entry.name))
    return found
