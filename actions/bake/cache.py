"""Files that cost time to make, kept by what decides their content; several bakes may use one cache at once."""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actions.errors import ReleaseError

KEPT_SECONDS = 30 * 24 * 3600  # after its last use


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One file of the cache."""

    path: Path
    sha256: str
    bytes: int
    cached: bool  # it was there before

    def facts(self) -> dict[str, Any]:
        """Without the directory: it is another one on every machine."""
        return {"file": self.path.name, "sha256": self.sha256, "bytes": self.bytes, "cached": self.cached}


def key_of(decides: Any) -> str:
    """A name for everything that decides the content: plain values."""
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:20]


def keep(cache: Path, kind: str, key: str, make: Callable[[Path, Path], None]) -> Kept:
    """The file of this kind and key; `make(target, workplace)` writes it when it is missing or is not what it was.

    It appears only when it is complete. What nobody has used for 30 days goes.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReleaseError(f"the cache {cache} cannot be made: {error.strerror}") from error
    path = _place(cache, kind, key)
    with _locked(cache / f".{kind}-{key}.lock"):
        digest = path.with_suffix(".sha256")
        if path.exists() and digest.exists() and sha256_of(path) == digest.read_text():
            os.utime(path)
            return Kept(path=path, sha256=digest.read_text(), bytes=path.stat().st_size, cached=True)
        with _workplace(cache) as place:
            fresh = place / path.name
            make(fresh, place)
            found = sha256_of(fresh)
            digest.write_text(found)
            fresh.replace(path)
    _forget(cache)
    return Kept(path=path, sha256=found, bytes=path.stat().st_size, cached=False)


def holds(cache: Path, kind: str, key: str) -> bool:
    """Whether the file is there; a look that changes nothing."""
    path = _place(cache, kind, key)
    return path.exists() and path.with_suffix(".sha256").exists()


def _place(cache: Path, kind: str, key: str) -> Path:
    return cache / f"{kind}-{key}.tar"


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _workplace(cache: Path) -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix=".work-", dir=cache))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _forget(cache: Path) -> None:
    """Also the workplaces of runs that were killed."""
    oldest = time.time() - KEPT_SECONDS
    for path in cache.iterdir():
        try:
            if path.lstat().st_mtime >= oldest:
                continue
        except FileNotFoundError:  # another run forgot it
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
