"""Check of a resource's inputs: unknown, missing and wrongly typed properties, defaults, automatic names."""

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from ..values import UNKNOWN, Object, Secret
from .properties import Prop

_HEX_DIGITS = 7
_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "json": (str,),
    "policy": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "[str]": (list,),
    "[object]": (list,),
    "{str}": (dict,),
    "object": (dict,),
}
_WORDS = {"json": "a string of JSON", "policy": "a string of JSON", "str": "a string", "int": "a whole number"}
_WORDS |= {"float": "a number", "bool": "true or false", "{str}": "a map", "object": "an object"}


def problems(
    token: str, props: Mapping[str, Prop], values: Mapping[str, Any], place: str = ""
) -> Iterator[tuple[str, str]]:
    """(property path, what is wrong) of everything the row cannot accept."""
    for key, value in values.items():
        if key == "__defaults":
            continue
        path = f"{place}.{key}" if place else key
        if key not in props:
            yield path, f"{token} has no property '{path}' on the local cloud; it has {', '.join(sorted(props))}"
        elif value is not None and value != UNKNOWN:
            yield from _typed(token, props[key], value, path)
    for key, prop in props.items():
        if prop.required and values.get(key) is None:
            path = f"{place}.{key}" if place else key
            yield path, f"{token} needs the property '{path}'"


def _typed(token: str, prop: Prop, value: Any, path: str) -> Iterator[tuple[str, str]]:
    right = isinstance(value, _TYPES[prop.kind]) and (prop.kind == "bool" or not isinstance(value, bool))
    if not right:
        wanted = _WORDS.get(prop.kind, "a list")
        yield path, f"{token} wants '{path}' to be {wanted}, got {_shown(prop, value)}"
    elif prop.kind in ("json", "policy"):
        try:
            json.loads(value)
        except ValueError as error:
            if UNKNOWN not in value:
                yield path, f"{token} wants '{path}' to be JSON: {error}"
    elif prop.kind == "[str]":
        for index, item in enumerate(value):
            if not isinstance(item, str):
                yield f"{path}[{index}]", f"{token} wants '{path}[{index}]' to be a string, got {_shown(prop, item)}"
    elif prop.kind == "{str}":
        for key, item in value.items():
            if not isinstance(item, str):
                yield f"{path}.{key}", f"{token} wants '{path}.{key}' to be a string, got {_shown(prop, item)}"
    elif prop.kind == "object":
        yield from problems(token, prop.fields or {}, value, path)
    elif prop.kind == "[object]":
        for index, item in enumerate(value):
            if isinstance(item, dict):
                yield from problems(token, prop.fields or {}, item, f"{path}[{index}]")
            elif item != UNKNOWN:
                yield f"{path}[{index}]", f"{token} wants '{path}[{index}]' to be an object, got {_shown(prop, item)}"


def _shown(prop: Prop, value: Any) -> str:
    kind = type(value).__name__
    return kind if prop.secret or isinstance(value, dict | list) else f"{kind} {value!r}"


def complete(props: Mapping[str, Prop], news: Object, olds: Object, urn: str, seed: bytes) -> Object:
    """The inputs with defaults and automatic names; `__defaults` lists what was filled in, as in the original."""
    filled = {key: value for key, value in news.items() if key != "__defaults"}
    made = []
    earlier = olds.get("__defaults") or []
    for key, prop in props.items():
        if key in filled:
            filled[key] = _nested(prop, filled[key])
            continue
        if prop.auto and f"{key}Prefix" not in filled:
            kept = key in earlier and olds.get(key)
            filled[key] = kept or automatic_name(urn, seed, prop.auto)
        elif prop.default is not None:
            filled[key] = prop.default
        else:
            continue
        made.append(key)
    return {**filled, "__defaults": sorted(made)}


def _nested(prop: Prop, value: Any) -> Any:
    """The value with the defaults of its fields."""
    if isinstance(value, Secret):
        return Secret(_nested(prop, value.value))
    if prop.kind == "object" and isinstance(value, dict):
        given = {key: item for key, item in value.items() if key != "__defaults"}
        fields = prop.fields or {}
        defaults = {key: field.default for key, field in fields.items() if field.default is not None}
        return {
            **defaults,
            **{key: _nested(fields[key], item) if key in fields else item for key, item in given.items()},
        }
    if prop.kind == "[object]" and isinstance(value, list):
        item_prop = Prop(kind="object", fields=prop.fields)
        return [_nested(item_prop, item) for item in value]
    return value


def automatic_name(urn: str, seed: bytes, longest: int) -> str:
    """`<program's name>-<7 hex digits>`; the engine's seed keeps preview and update alike."""
    digits = hashlib.sha256(seed + urn.encode()).hexdigest() if seed else secrets.token_hex(_HEX_DIGITS)
    name = urn.rsplit("::", 1)[-1]
    return f"{name[: longest - _HEX_DIGITS - 1]}-{digits[:_HEX_DIGITS]}"
