"""How a row declares its properties: type, requiredness, defaults, what forces a replacement, the API's field name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Prop:
    """One input property. `kind` is str, int, float, bool, json, policy, [str], {str}, object or [object]."""

    kind: str
    fields: Mapping[str, "Prop"] | None = None  # of object and [object]
    required: bool = False
    replace: bool = False  # a change needs a new resource
    default: Any = None  # filled in by Check
    computed: bool = False  # the cloud decides when it is not given
    imported: bool = False  # an import gives it although the cloud could decide
    unordered: bool = False  # a list whose order means nothing
    kept: bool = False  # means something to the program only; never sent, never read back
    secret: bool = False
    api: str | None = None  # the API's field name when it differs; "" = the row sees to it
    meaning: Callable[[Any], Any] | None = None  # of JSON: the form to compare
    auto: int = 0  # longest automatic name; 0 = the name is not made up


def text(**how: Any) -> Prop:
    return Prop(kind="str", **how)


def whole(**how: Any) -> Prop:
    return Prop(kind="int", **how)


def number(**how: Any) -> Prop:
    return Prop(kind="float", **how)


def flag(**how: Any) -> Prop:
    return Prop(kind="bool", **how)


def json_text(**how: Any) -> Prop:
    """A string of JSON: compared by meaning."""
    return Prop(kind="json", **how)


def policy(**how: Any) -> Prop:
    """A string with an IAM document: one element and a list of one, and lists in another order, are the same."""
    return Prop(kind="policy", **how)


def texts(**how: Any) -> Prop:
    return Prop(kind="[str]", **how)


def mapping(**how: Any) -> Prop:
    return Prop(kind="{str}", **how)


def one(fields: Mapping[str, Prop], **how: Any) -> Prop:
    return Prop(kind="object", fields=fields, **how)


def many(fields: Mapping[str, Prop], **how: Any) -> Prop:
    return Prop(kind="[object]", fields=fields, **how)


def name(longest: int, **how: Any) -> Prop:
    """The resource's own name: made up from the program's name when not given; another name is another resource."""
    return text(auto=longest, replace=True, **how)


def api_name(key: str, prop: Prop, upper: bool) -> str:
    if prop.api is not None:
        return prop.api
    return key[:1].upper() + key[1:] if upper else key


def to_api(props: Mapping[str, Prop], values: Mapping[str, Any], *, upper: bool) -> dict[str, Any]:
    """The API's parameters for those values that are declared and sent."""
    sent = {}
    for key, prop in props.items():
        value = values.get(key)
        if value is None or prop.kept:
            continue
        if field := api_name(key, prop, upper):
            sent[field] = _out(prop, value, upper)
    return sent


def _out(prop: Prop, value: Any, upper: bool) -> Any:
    if prop.kind == "object":
        return to_api(prop.fields or {}, value, upper=upper)
    if prop.kind == "[object]":
        return [to_api(prop.fields or {}, item, upper=upper) for item in value]
    return value


def from_api(props: Mapping[str, Prop], answer: Mapping[str, Any], *, upper: bool) -> dict[str, Any]:
    """The property values in an API's answer; what it does not say is left out."""
    values = {}
    for key, prop in props.items():
        value = answer.get(api_name(key, prop, upper))
        if value is not None and not prop.kept:
            values[key] = _in(prop, value, upper)
    return values


def _in(prop: Prop, value: Any, upper: bool) -> Any:
    if prop.kind == "object":
        return from_api(prop.fields or {}, value, upper=upper)
    if prop.kind == "[object]":
        return [from_api(prop.fields or {}, item, upper=upper) for item in value]
    return value
