"""What differs between the inputs wanted and the state there is, by the meaning of each property."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..diff import Change, Path, changes
from ..values import UNKNOWN, Object
from .properties import Prop


def differences(
    props: Mapping[str, Prop], state: Object, news: Object, old_inputs: Object, path: Path = (), replace: bool = False
) -> Iterator[Change]:
    """Changes an update would make. What the program never mentioned is the cloud's own business."""
    for key, prop in props.items():
        here = (*path, key)
        forced = replace or prop.replace
        if news.get(key) is not None:
            if state.get(key) is None:
                # The cloud leaves out what is empty: wanting nothing of what is not there is no difference.
                if not _empty(news[key]):
                    yield Change(here, "ADD", forced)
            else:
                yield from _property(prop, state[key], news[key], old_inputs.get(key), here, forced)
        elif old_inputs.get(key) is not None and not prop.computed and not _empty(state.get(key)):
            yield Change(here, "DELETE", forced)


def _empty(value: Any) -> bool:
    return value in (None, "", False, 0) or value in ([], {})


def _property(prop: Prop, old: Any, new: Any, old_input: Any, path: Path, replace: bool) -> Iterator[Change]:
    if new == UNKNOWN:
        yield Change(path, "UPDATE", replace)
    elif prop.kind == "object" and isinstance(old, dict):
        before = old_input if isinstance(old_input, dict) else {}
        yield from differences(prop.fields or {}, old, new, before, path, replace)
    elif prop.kind == "[object]":
        yield from _objects(prop, old, new, old_input, path, replace)
    elif not same(prop, old, new):
        if prop.kind == "[str]" and prop.unordered:
            old, new = sorted(old), sorted(new)
        for change in changes(old, new, path):
            yield Change(change.path, change.kind, replace)


def _objects(prop: Prop, old: list[Any], new: list[Any], old_input: Any, path: Path, replace: bool) -> Iterator[Change]:
    before = old_input if isinstance(old_input, list) else []
    if prop.unordered and _matched(prop, old, new, before):
        return
    for index in range(max(len(old), len(new))):
        here = (*path, index)
        if index >= len(old):
            yield Change(here, "ADD", replace)
        elif index >= len(new):
            yield Change(here, "DELETE", replace)
        elif not isinstance(new[index], dict):
            yield Change(here, "UPDATE", replace)
        else:
            earlier = before[index] if index < len(before) and isinstance(before[index], dict) else {}
            yield from differences(prop.fields or {}, old[index], new[index], earlier, here, replace)


def _matched(prop: Prop, old: list[Any], new: list[Any], before: list[Any]) -> bool:
    """Whether every wanted element is there, in whatever order, and nothing else is."""
    left = list(old)
    for index, item in enumerate(new):
        if not isinstance(item, dict):
            return False
        earlier = before[index] if index < len(before) and before[index] == item else {}
        match = next((one for one in left if not any(differences(prop.fields or {}, one, item, earlier))), None)
        if match is None:
            return False
        left.remove(match)
    return not left


def same(prop: Prop, old: Any, new: Any) -> bool:
    """Whether both mean the same to the cloud."""
    if old == new and isinstance(old, bool) == isinstance(new, bool):
        return True
    if prop.kind in ("json", "policy"):
        try:
            return bool(_meaning(prop, json.loads(old)) == _meaning(prop, json.loads(new)))
        except (TypeError, ValueError):
            return False
    if prop.meaning and UNKNOWN != new:
        return bool(prop.meaning(old) == prop.meaning(new))
    if prop.kind == "[str]" and prop.unordered:
        return sorted(old) == sorted(new) if UNKNOWN not in new else False
    return False


def _meaning(prop: Prop, document: Any) -> Any:
    if prop.meaning:
        return prop.meaning(document)
    return _policy(document) if prop.kind == "policy" else document


def _policy(value: Any) -> Any:
    """An IAM document in one form: lists sorted, a list of one as its element, booleans as text."""
    if isinstance(value, dict):
        return {key: _policy(item) for key, item in value.items()}
    if isinstance(value, list):
        items = sorted((_policy(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
        return items[0] if len(items) == 1 else items
    if isinstance(value, bool):
        return str(value).lower()
    return value
