"""`python -m actions.bake.wheels`: every wheel that the requirements name, for the server's Python and platform.

Downloaded with this runner's pip and kept by the hash of requirements, Python, platforms and index. pip itself is among
them: with it the server installs offline and needs no package for virtual environments.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actions.bake import archive, cache, part
from actions.bake.cache import Kept
from actions.environment import text
from actions.errors import ReleaseError
from actions.lifeline import Cancellation
from actions.progress import Progress

PIP = "pip==26.3"  # what installs on the server
PLATFORMS = "manylinux_2_28_x86_64,manylinux_2_17_x86_64,manylinux2014_x86_64"
POLL_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class Wheelhouse:
    """What decides which wheels there are."""

    requirements: Path
    python: str  # such as 3.11
    platforms: tuple[str, ...]
    index: str  # URL; empty: pip's own configuration
    cache: Path

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Wheelhouse":
        return cls(
            requirements=Path(text("REQUIREMENTS", environment)).expanduser(),
            python=environment.get("PYTHON_VERSION") or "3.11",
            platforms=tuple((environment.get("PLATFORMS") or PLATFORMS).split(",")),
            index=environment.get("INDEX_URL", ""),
            cache=Path(text("CACHE", environment)).expanduser(),
        )

    def wanted(self) -> str:
        """The requirements' text."""
        try:
            return self.requirements.read_text()
        except OSError as error:
            raise ReleaseError(f"the requirements {self.requirements} cannot be read: {error.strerror}") from error

    def key(self) -> str:
        return cache.key_of([self.wanted(), self.python, self.platforms, self.index, PIP])

    def made(self, cancellation: Cancellation) -> Kept:
        """`ReleaseError` names the package that has no wheel for the platform."""
        return cache.keep(
            self.cache, "wheels", self.key(), lambda target, place: self._make(target, place, cancellation)
        )

    def _make(self, target: Path, place: Path, cancellation: Cancellation) -> None:
        wheels = place / "wheels"
        _run(self.command(wheels), place / "said", self, cancellation)
        archive.pack(target, [(file.name, file) for file in wheels.iterdir()])

    def command(self, target: Path) -> list[str]:
        platforms = [word for platform in self.platforms for word in ("--platform", platform)]
        index = ["--index-url", self.index] if self.index else []
        return [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"),
            *("--only-binary", ":all:", "--implementation", "cp", "--python-version", self.python, *platforms, *index),
            *("--dest", str(target), "--requirement", str(self.requirements), PIP),
        ]


def _run(command: list[str], said: Path, house: Wheelhouse, cancellation: Cancellation) -> None:
    with said.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        try:
            while process.poll() is None:
                cancellation.wait(POLL_SECONDS)
        finally:
            process.kill()
            process.wait()
    if process.returncode:
        raise ReleaseError(reason(said.read_text(errors="replace"), house))


def reason(said: str, house: Wheelhouse) -> str:
    """pip's own words; a package without a wheel is named with the platform it is wanted for."""
    errors = [line.removeprefix("ERROR: ") for line in said.splitlines() if line.startswith("ERROR: ")]
    missing = [line for line in errors if line.startswith("No matching distribution found for ")]
    if missing:
        package = missing[-1].removeprefix("No matching distribution found for ")
        platforms = ", ".join(house.platforms)
        return f"no wheel of {package} for Python {house.python} on {platforms}"
    words = errors or [line for line in said.splitlines() if line.strip()] or ["it said nothing"]
    return f"pip cannot download the wheels of {house.requirements}: {words[-1][:500]}"


def work(cancellation: Cancellation, progress: Progress) -> dict[str, Any]:
    this = part.Part()
    with this.step("wheels", after=["run"]):
        kept = Wheelhouse.of(os.environ).made(cancellation)
    progress.say(f"wheels: {kept.bytes / 1e6:.1f} MB, {'from the cache' if kept.cached else 'downloaded'}")
    return this.done(**kept.facts())


if __name__ == "__main__":
    part.main(work)
