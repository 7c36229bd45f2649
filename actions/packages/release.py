"""A release of a monorepo: a directory with every package's output and `release.json`, which names every byte of it.

Written once by the build. Whoever deploys it, staging or production, checks it first: equal checksum, equal content.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actions.errors import ReleaseError

MANIFEST = "release.json"
SITE, CONTAINER = "site", "container"


@dataclass(frozen=True, kw_only=True)
class Package:
    """One package of a release; either files (by name, with SHA-256) or an image."""

    name: str
    kind: str
    files: dict[str, str]
    image: str = ""  # <repository uri>:<tag>
    digest: str = ""

    @classmethod
    def read(cls, content: dict[str, Any]) -> "Package":
        return cls(**{key: content[key] for key in ("name", "kind", "files", "image", "digest")})

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "kind": self.kind, "files": self.files, "image": self.image, "digest": self.digest}


@dataclass(frozen=True, kw_only=True)
class Release:
    commit: str
    packages: tuple[Package, ...]

    @property
    def checksum(self) -> str:
        """SHA-256 over commit, files and image digests: what staging and production are compared by."""
        content = {"commit": self.commit, "packages": [package.as_dict() for package in self.packages]}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def as_dict(self) -> dict[str, Any]:
        return {
            "commit": self.commit,
            "checksum": self.checksum,
            "packages": [package.as_dict() for package in self.packages],
        }


def files_of(folder: Path) -> dict[str, str]:
    """Every file below a folder with its SHA-256; `ReleaseError` for a link, which nothing could deploy."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise ReleaseError(f"{path} is a link: a release holds plain files only")
        if path.is_file():
            found[path.relative_to(folder).as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def write(folder: Path, release: Release) -> None:
    (folder / MANIFEST).write_text(json.dumps(release.as_dict(), indent=1) + "\n")


def read(folder: Path) -> Release:
    """The checked release of a folder; `ReleaseError` names what is not as `release.json` says."""
    try:
        content = json.loads((folder / MANIFEST).read_text())
        release = Release(
            commit=content["commit"], packages=tuple(Package.read(package) for package in content["packages"])
        )
    except FileNotFoundError:
        raise ReleaseError(f"{folder / MANIFEST} is missing: this is no release") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ReleaseError(f"{folder / MANIFEST} cannot be read: {error}") from error
    if content.get("checksum") != release.checksum:
        raise ReleaseError(f"{MANIFEST} does not match its own checksum {content.get('checksum')}")
    for package in release.packages:
        found = files_of(folder / package.name) if package.kind == SITE else {}
        if found != package.files:
            names = sorted(
                name for name in found.keys() | package.files.keys() if found.get(name) != package.files.get(name)
            )
            raise ReleaseError(f"package {package.name} is not what was built: {', '.join(names[:5])} differs")
    return release
