"""Find and change image tags in a values file, and nothing else: every byte around them stays.

The YAML parser tells where a value stands; the text is changed there and nowhere else. Comments, order, quotes,
anchors, line ends and a missing final newline are therefore not restored, they are never touched.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from actions.errors import ReleaseError

Path = tuple[str, ...]
PROPERTIES = re.compile(r"(?:[&!]\S*[ \t]+)*")  # an anchor or a type before the value
NEVER_ANOTHER_TYPE = re.compile(r"[A-Za-z]+-[\w.-]*\w")  # plain YAML reads such a text as a text, whoever reads it


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a value stands in the text: [start, end) without its anchor, and how it is written."""

    start: int
    end: int
    value: str
    style: str | None  # the quote, `|`, `>`, or None
    alias: bool


def paths(template: str, components: Mapping[str, str]) -> dict[Path, str]:
    """`astrago.{component}.imageTag` for each component, with its tag."""
    return {tuple(template.format(component=name).split(".")): tag for name, tag in components.items()}


def tags(text: str, wanted: Mapping[str, Path], file: str) -> dict[str, str]:
    """What the file says for each component; `ReleaseError` for a file that is no YAML and a key that is not there."""
    places = _places(text, set(wanted.values()), file)
    return {name: places[path].value for name, path in wanted.items()}


def edit(text: str, changes: Mapping[Path, str], file: str) -> str:
    """The text with exactly these values changed; `ReleaseError` when that cannot be done without changing others."""
    places = _places(text, set(changes), file)
    changed = text
    for path, place in sorted(places.items(), key=lambda item: -item[1].start):
        if place.value != changes[path]:
            changed = changed[: place.start] + _written(place, changes[path]) + changed[place.end :]
    _check_only(text, changed, changes, file)
    return changed


def _written(place: Place, tag: str) -> str:
    """The tag in the quotes that were there."""
    if place.style in ("'", '"'):
        return f"{place.style}{tag}{place.style}"
    return tag if place.style is None and NEVER_ANOTHER_TYPE.fullmatch(tag) else f'"{tag}"'


def _places(text: str, wanted: set[Path], file: str) -> dict[Path, Place]:
    found: dict[Path, Place] = {}
    for path, place in _scalars(text, file):
        if path in wanted:
            if path in found:
                raise ReleaseError(f"{'.'.join(path)} stands twice in {file}: take one away")
            if place.style in ("|", ">"):
                raise ReleaseError(f"{'.'.join(path)} in {file} is a block of lines, but must be a tag on one line")
            if place.start == place.end:
                raise ReleaseError(f"{'.'.join(path)} in {file} is empty: write the tag there that is in use now")
            found[path] = place
    for path in sorted(wanted - set(found)):
        raise ReleaseError(f"{file} has no {'.'.join(path)} of its own: name the right file and key, or add it there")
    return found


def _scalars(text: str, file: str) -> list[tuple[Path, Place]]:
    """Every value of the mappings, with the keys that lead to it; what lies in lists is passed over."""
    found: list[tuple[Path, Place]] = []
    levels: list[list[Any]] = []  # [key now being read, or None when a key comes next, is a list]
    documents = 0
    anchored: dict[str, str] = {}
    try:
        for event in YAML(pure=True).parse(text):
            documents += isinstance(event, DocumentStartEvent)
            if isinstance(event, MappingEndEvent | SequenceEndEvent):
                levels.pop()
                _value_read(levels)
            elif isinstance(event, MappingStartEvent | SequenceStartEvent):
                levels.append([None, isinstance(event, SequenceStartEvent)])
            elif isinstance(event, ScalarEvent | AliasEvent):
                if levels and not levels[-1][1] and levels[-1][0] is None:
                    levels[-1][0] = getattr(event, "value", None) or ""
                    continue
                if levels and not any(is_list for _, is_list in levels):
                    found.append((tuple(key for key, _ in levels), _place(event, text, anchored)))
                _value_read(levels)
    except YAMLError as error:
        raise ReleaseError(f"{file} is not YAML: {_first_line(error)}") from error
    if documents > 1:
        raise ReleaseError(f"{file} holds {documents} YAML documents, but must hold one")
    return found


def _value_read(levels: list[list[Any]]) -> None:
    if levels and not levels[-1][1]:
        levels[-1][0] = None


def _place(event: Any, text: str, anchored: dict[str, str]) -> Place:
    start, end = event.start_mark.index, event.end_mark.index
    if isinstance(event, AliasEvent):
        return Place(start=start, end=end, value=anchored.get(event.anchor, ""), style=None, alias=True)
    if event.anchor:
        anchored[event.anchor] = event.value
    properties = PROPERTIES.match(text, start, end)
    own = properties.end() if properties else start
    return Place(start=own, end=end, value=event.value, style=event.style, alias=False)


def _first_line(error: Exception) -> str:
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    mark = getattr(error, "problem_mark", None)
    return f"{problem} (line {mark.line + 1}, column {mark.column + 1})" if mark else str(problem)


def _check_only(before: str, after: str, changes: Mapping[Path, str], file: str) -> None:
    """An anchor carries its value to other keys: what reads the file must find nothing else changed."""
    old, new = load(before, file), load(after, file)
    expected = _flat(old) | dict(changes)
    found = _flat(new)
    for path in sorted(set(expected) | set(found), key=str):
        if expected.get(path) != found.get(path):
            name = ".".join(str(part) for part in path)
            raise ReleaseError(
                f"{name} in {file} would change from {expected.get(path)!r} to {found.get(path)!r} as well, because an "
                "anchor or a merge ties it to a tag of this release: give it a value of its own, or release it too"
            )


def load(text: str, file: str) -> Any:
    """What a reader of the file finds in it."""
    try:
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise ReleaseError(f"{file} is not YAML: {_first_line(error)}") from error


def _flat(value: Any, path: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], Any]:
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {key: leaf for name, inner in items for key, leaf in _flat(inner, (*path, name)).items()}
    return {path: value}
