"""Differences between two property values, and the engine's detailed form of them."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .protocol import provider_pb2 as pb

_PLAIN_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_-]*$")
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Change:
    """One place that differs: added, deleted or updated."""

    path: Path
    kind: str  # ADD, DELETE or UPDATE
    replace: bool = False


def changes(old: Any, new: Any, path: Path = ()) -> list[Change]:
    """Every differing place, as deep as both sides have the same shape."""
    if (old == new and type(old) is type(new)) or path == ("__defaults",):
        return []
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [*old, *(key for key in new if key not in old)]
        return [change for key in keys for change in _member(old, new, key, path)]
    if isinstance(old, list) and isinstance(new, list):
        found = []
        for index in range(max(len(old), len(new))):
            if index >= len(old):
                found.append(Change((*path, index), "ADD"))
            elif index >= len(new):
                found.append(Change((*path, index), "DELETE"))
            else:
                found += changes(old[index], new[index], (*path, index))
        return found
    return [Change(path, "UPDATE")]


def _member(old: dict[str, Any], new: dict[str, Any], key: str, path: Path) -> list[Change]:
    if key == "__defaults":
        return []
    if key not in old:
        return [Change((*path, key), "ADD")]
    if key not in new:
        return [Change((*path, key), "DELETE")]
    return changes(old[key], new[key], (*path, key))


def text(path: Path) -> str:
    """The path as the engine writes it: `a.b[0]["c.d"]`."""
    written = ""
    for part in path:
        if isinstance(part, int):
            written += f"[{part}]"
        elif _PLAIN_NAME.match(part):
            written += f".{part}" if written else part
        else:
            written += '["' + part.replace('"', '\\"') + '"]'
    return written


def detailed(
    found: Iterable[Change], *, replaces: Callable[[Change], bool], input_diff: bool, delete_first: bool = False
) -> Any:
    """The engine's answer for these changes."""
    response = pb.DiffResponse(hasDetailedDiff=True, changes=pb.DiffResponse.DIFF_NONE)
    for change in found:
        replace = change.replace or replaces(change)
        kind = pb.PropertyDiff.Kind.Value(f"{change.kind}_REPLACE" if replace else change.kind)
        response.changes = pb.DiffResponse.DIFF_SOME
        response.detailedDiff[text(change.path)].CopyFrom(pb.PropertyDiff(kind=kind, inputDiff=input_diff))
        name = str(change.path[0])
        if name not in response.diffs:
            response.diffs.append(name)
        if replace and name not in response.replaces:
            response.replaces.append(name)
    response.deleteBeforeReplace = bool(response.replaces) and delete_first
    return response
