"""From what the cloud says to what Pulumi keeps: outputs, previewed outputs, and inputs read back."""

from collections.abc import Mapping
from typing import Any

from ..server import PluginError
from ..values import UNKNOWN, Object
from .compare import same
from .properties import Prop
from .row import Op, Row
from .session import Aws


class Gone(PluginError):
    """The resource does not exist any more."""


class Unsettled(PluginError):
    """The change was made, but what it should lead to did not happen."""


def settled(kind: type[Row], found: Object, op: Op, aws: Aws) -> Object:
    """The state: the cloud's values, in the program's words where both mean the same.

    What the cloud does not tell counts as not there, but for secrets, which it may refuse to show.
    """
    state = dict(found)
    known = {**op.old, **op.inputs}
    for key, prop in kind.all_props().items():
        wanted = known.get(key)
        if wanted is None or wanted == UNKNOWN or key in ("tags", "region"):
            continue
        if prop.kept or (prop.secret and key not in state):
            state[key] = wanted
        elif prop.kind not in ("object", "[object]") and same(prop, state[key], wanted):
            state[key] = wanted
    if kind.regional:
        state["region"] = aws.region
    if kind.tagged:
        everything = state.pop("tags", None) or state.get("tagsAll") or {}
        state["tagsAll"] = everything
        state["tags"] = own_tags(everything, known.get("tags") or {}, aws.default_tags)
    return state


def own_tags(everything: Mapping[str, str], own: Mapping[str, str], default: Mapping[str, str]) -> dict[str, str]:
    """The tags that do not merely come from the provider's defaults."""
    return {key: value for key, value in everything.items() if key in own or default.get(key) != value}


def previewed(kind: type[Row], inputs: Object, old: Object, changed: frozenset[str], tags: Any) -> Object:
    """Outputs of a preview: what is known now, and unknown for what only the cloud can tell."""
    outputs = {key: value for key, value in inputs.items() if key != "__defaults"}
    if not old:
        for key in (*kind.all_outputs(), *(key for key, prop in kind.all_props().items() if prop.computed)):
            outputs.setdefault(key, UNKNOWN)
    else:
        kept = {key: value for key, value in old.items() if key in kind.all_outputs() or _computed(kind, key)}
        outputs = {**kept, **outputs}
        for key, causes in kind.unstable.items():
            if changed & set(causes):
                outputs[key] = UNKNOWN
    if kind.tagged:
        outputs["tagsAll"] = tags
    return outputs


def _computed(kind: type[Row], key: str) -> bool:
    prop = kind.all_props().get(key)
    return prop is not None and prop.computed


def inputs_of(kind: type[Row], state: Object, old_inputs: Object) -> Object:
    """The inputs a program would have to give: those it gave before, or on import whatever is not the default."""
    inputs: Object = {}
    given = {key: value for key, value in old_inputs.items() if key != "__defaults"}
    for key, prop in kind.all_props().items():
        value = state.get(key)
        if value is None or (key == "region" and key not in given):
            continue
        if given:
            if key in given or (key == "tags" and value):
                inputs[key] = _like(prop, value, given.get(key))
        elif prop.required or not (_left_out(prop) or value == prop.default or value in ("", [], {})):
            inputs[key] = _bare(prop, value)
    if kind.tagged and state.get("tagsAll"):
        inputs["tagsAll"] = state["tagsAll"]
    inputs["__defaults"] = old_inputs.get("__defaults") or []
    return inputs


def _left_out(prop: Prop) -> bool:
    return prop.computed and not prop.imported and not prop.auto


def _bare(prop: Prop, value: Any) -> Any:
    """On import: without the fields the cloud decides by itself."""
    if prop.kind == "object" and isinstance(value, dict):
        fields = prop.fields or {}
        return {
            key: _bare(fields[key], item)
            for key, item in value.items()
            if key in fields and (fields[key].required or (not _left_out(fields[key]) and item not in ("", [], {})))
        }
    if prop.kind == "[object]" and isinstance(value, list):
        return [_bare(Prop(kind="object", fields=prop.fields), item) for item in value]
    return value


def _like(prop: Prop, value: Any, given: Any) -> Any:
    """The value with only the fields the program gave."""
    if prop.kind == "object" and isinstance(value, dict) and isinstance(given, dict):
        fields = prop.fields or {}
        return {
            key: _like(fields[key], item, given[key]) for key, item in value.items() if key in given and key in fields
        }
    if prop.kind == "[object]" and isinstance(given, list) and isinstance(value, list) and len(value) == len(given):
        part = Prop(kind="object", fields=prop.fields)
        if prop.unordered:
            from .compare import differences

            left, found = list(value), []
            for item in given:
                match = next((one for one in left if not any(differences(prop.fields or {}, one, item, {}))), None)
                if match is None:
                    return [_like(part, one, given[index]) for index, one in enumerate(value)]
                left.remove(match)
                found.append(_like(part, match, item))
            return found
        return [_like(part, item, given[index]) for index, item in enumerate(value)]
    return value
