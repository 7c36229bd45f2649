"""`python -m actions.bake.source`: the application's files as git knows them, as one archive.

What git does not track is not packed: a developer's `.env` or virtual environment never gets into an image.
"""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from actions.bake import archive, cache, part
from actions.bake.cache import Kept
from actions.environment import text
from actions.errors import ReleaseError
from actions.lifeline import Cancellation
from actions.progress import Progress


@dataclass(frozen=True, kw_only=True)
class Source:
    """A directory in a git tree, without what the globs exclude."""

    directory: Path
    excludes: tuple[str, ...]
    cache: Path

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Source":
        return cls(
            directory=Path(text("SOURCE", environment)).expanduser(),
            excludes=tuple(glob for glob in environment.get("EXCLUDES", "").split(",") if glob),
            cache=Path(text("CACHE", environment)).expanduser(),
        )

    def files(self) -> list[str]:
        """The tracked files that are there, by their names in the directory."""
        names = [name for name in self._git("ls-files", "-z").split("\0") if name]
        here = [name for name in names if os.path.lexists(self.directory / name) and not self._excluded(name)]
        if not here:
            raise ReleaseError(f"git tracks no file in {self.directory}: there is nothing to bake")
        return here

    def commit(self) -> str:
        return self._git("rev-parse", "HEAD").strip()

    def dirty(self) -> bool:
        """Whether a tracked file is not as committed."""
        return bool(self._git("status", "--porcelain", "--untracked-files=no", "--", ".").strip())

    def key(self) -> str:
        return cache.key_of([[name, _content(self.directory / name)] for name in sorted(self.files())])

    def made(self) -> Kept:
        def make(target: Path, _: Path) -> None:
            archive.pack(target, [(name, self.directory / name) for name in self.files()])

        return cache.keep(self.cache, "source", self.key(), make)

    def _excluded(self, name: str) -> bool:
        """A glob without a slash means a name at any depth, one with a slash the path from the top."""
        parts = name.split("/")
        paths = ["/".join(parts[: length + 1]) for length in range(len(parts))]
        return any(
            fnmatch(one, glob.strip("/"))
            for glob in self.excludes
            for one in (paths if "/" in glob.strip("/") else parts)
        )

    def _git(self, *words: str) -> str:
        command = ["git", "-C", str(self.directory), *words]
        try:
            done = subprocess.run(command, capture_output=True, text=True)
        except FileNotFoundError:
            raise ReleaseError("git is not installed, and the application's files are what git tracks") from None
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["it said nothing"]
            raise ReleaseError(f"git {words[0]} in {self.directory}: {lines[-1].removeprefix('fatal: ')}")
        return done.stdout


def _content(path: Path) -> str:
    if path.is_symlink():
        return f"-> {path.readlink()}"
    return f"{bool(path.stat().st_mode & 0o100)} {cache.sha256_of(path)}"


def work(_: Cancellation, progress: Progress) -> dict[str, Any]:
    this, source = part.Part(), Source.of(os.environ)
    with this.step("source", after=["run"]):
        kept = source.made()
    commit, dirty = source.commit(), source.dirty()
    progress.say(f"source: {kept.bytes / 1e6:.2f} MB of {commit[:12]}{', with changes not committed' if dirty else ''}")
    return this.done(**kept.facts(), commit=commit, dirty=dirty)


if __name__ == "__main__":
    part.main(work)
