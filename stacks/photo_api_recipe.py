"""The recipe of an image: one hash of everything that goes into it. The same recipe is the same image."""

import hashlib
import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from stacks.config_reader import ConfigError

SCRIPTS = Path("actions/bake/files")  # what is run and written on the server
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, kw_only=True)
class Source:
    """The application's files as git knows them, with what is changed in the work tree."""

    directory: str
    files: Mapping[str, str]  # path → hash of mode and content
    commit: str  # with -dirty where a file differs from it


def read_source(directory: str, excludes: Iterable[str]) -> Source:
    """`ConfigError` when the directory is in no git work tree."""
    path = Path(directory).expanduser()
    if not path.is_dir():
        raise ConfigError(f"source is {directory}, but there is no such directory: check the application out there")
    names = [name for name in _git(path, "ls-files", "-z").split("\0") if name]
    wanted = [name for name in names if not any(fnmatchcase(name, glob) for glob in excludes)]
    if not wanted:
        raise ConfigError(f"source is {directory}, of which git knows no file that is not excluded")
    changed = bool(_git(path, "status", "--porcelain", "--untracked-files=no", "--", "."))
    commit = _git(path, "rev-parse", "HEAD").strip()
    files = {name: _hash(path / name) for name in wanted if (path / name).is_file()}
    return Source(directory=directory, files=files, commit=f"{commit}-dirty" if changed else commit)


def scripts() -> dict[str, str]:
    """The program's own files that end up on the server or run there."""
    directory = ROOT / SCRIPTS
    return {
        str(path.relative_to(directory)): _hash(path)
        for path in sorted(directory.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def recipe(files: Mapping[str, Mapping[str, str]], facts: Mapping[str, object]) -> str:
    """The hash of files (group → path → hash) and facts; the order of neither matters. Pure."""
    whole = json.dumps({"files": files, "facts": facts}, sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()


def file_hash(path: str) -> str:
    """`ConfigError` when there is no such file."""
    found = Path(path).expanduser()
    if not found.is_file():
        raise ConfigError(f"requirements is {path}, but there is no such file")
    return hashlib.sha256(found.read_bytes()).hexdigest()


def _hash(path: Path) -> str:
    executable = bool(path.stat().st_mode & 0o100)
    return hashlib.sha256(f"{executable}\n".encode() + path.read_bytes()).hexdigest()


def _git(directory: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(directory), *words], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise ConfigError("there is no `git` on PATH") from None
    if done.returncode:
        raise ConfigError(f"source is {directory}, but git says: {done.stderr.strip()}")
    return done.stdout
