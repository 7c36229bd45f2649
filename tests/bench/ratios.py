"""Speeds as ratios within one run, because a slow machine slows both sides."""

import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.cloud.project import Project

RUNS = 5
EMPTY = {"Pulumi.yaml": "name: empty\nruntime: python\n", "__main__.py": ""}


def seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def report(what: str, measured: float, against: float, limit: float) -> None:
    print(f"\n{what}: {measured:.2f} s against {against:.2f} s = {measured / against:.2f} (limit {limit:.2f})")
    assert measured <= limit * against


def empty_project(project: Project, home: Path) -> Callable[[], object]:
    for name, text in EMPTY.items():
        (home / name).write_text(text)

    def pulumi(*arguments: str) -> object:
        command = ["pulumi", *arguments, "--non-interactive"]
        return subprocess.run(command, cwd=home, env=project.environment, check=True, capture_output=True)

    pulumi("stack", "init", "empty")
    return lambda: pulumi("preview")


def report_preview(project: Project, home: Path) -> None:
    """Previews of an unchanged stack against those of an empty program."""
    empty = empty_project(project, home)
    ours, theirs = [], []
    for _ in range(RUNS + 1):
        ours.append(seconds(lambda: project.pulumi("preview")))
        theirs.append(seconds(empty))
    shutil.rmtree(home)
    report("preview, against an empty program", statistics.median(ours[1:]), statistics.median(theirs[1:]), 2.5)


def until_verified(project: Project) -> float:
    """Seconds from the start of `pulumi up` to the line that says verified."""
    began = time.monotonic()
    verified = 0.0
    with project.start("up", "--yes", "--skip-preview") as process:
        for line in process.stdout or ():
            if "verified:" in line and not verified:
                verified = time.monotonic() - began
    assert verified and process.returncode == 0
    return verified
