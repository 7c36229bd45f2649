"""Tar files whose bytes depend on their content alone: no times, no owners, always in one order."""

import io
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

PLAIN, EXECUTABLE = 0o644, 0o755


def pack(target: Path, files: Iterable[tuple[str, Path]], texts: Mapping[str, bytes] | None = None) -> None:
    """Writes `target`: files by their names in it, and texts by theirs."""
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, path in sorted(files):
            _add(archive, name, path)
        for name, text in sorted((texts or {}).items()):
            member = _member(name, PLAIN)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))


def _add(archive: tarfile.TarFile, name: str, path: Path) -> None:
    if path.is_symlink():
        member = _member(name, 0o777)
        member.type, member.linkname = tarfile.SYMTYPE, str(path.readlink())
        archive.addfile(member)
        return
    member = _member(name, EXECUTABLE if path.stat().st_mode & 0o100 else PLAIN)
    with path.open("rb") as file:
        member.size = path.stat().st_size
        archive.addfile(member, file)


def _member(name: str, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.mode = mode
    return member
