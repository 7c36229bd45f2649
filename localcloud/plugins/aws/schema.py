"""The package schema of the table, as far as `pulumi import` needs it to write code."""

from typing import Any

from .properties import Prop
from .table import every_row

_PLAIN = {"str": "string", "json": "string", "policy": "string", "int": "integer", "float": "number", "bool": "boolean"}


def package(version: str) -> dict[str, Any]:
    """A Pulumi package schema with every row."""
    types: dict[str, Any] = {}
    resources = {}
    for token, kind in every_row().items():
        name = token.rsplit(":", 1)[-1]
        module = token.split(":")[1].split("/")[0]
        inputs = {key: _type(prop, f"{module}/{name}{_title(key)}", types) for key, prop in kind.all_props().items()}
        outputs: dict[str, Any] = {key: {"type": "string"} for key in kind.all_outputs()}
        if kind.tagged:
            outputs["tagsAll"] = {"type": "object", "additionalProperties": {"type": "string"}}
        resources[token] = {
            "inputProperties": inputs,
            "requiredInputs": [key for key, prop in kind.all_props().items() if prop.required],
            "properties": {**inputs, **outputs},
        }
    return {
        "name": "aws",
        "version": version,
        "meta": {"moduleFormat": "(.*)(?:/[^/]*)"},
        "language": {"python": {"compatibility": "tfbridge20", "moduleNameOverrides": {}}},
        "types": types,
        "resources": resources,
    }


def _title(key: str) -> str:
    return key[:1].upper() + key[1:]


def _type(prop: Prop, path: str, types: dict[str, Any]) -> dict[str, Any]:
    if prop.kind in _PLAIN:
        return {"type": _PLAIN[prop.kind]}
    if prop.kind == "[str]":
        return {"type": "array", "items": {"type": "string"}}
    if prop.kind == "{str}":
        return {"type": "object", "additionalProperties": {"type": "string"}}
    token = f"aws:{path}:{path.split('/')[-1]}"
    fields = prop.fields or {}
    types[token] = {
        "type": "object",
        "properties": {key: _type(field, path + _title(key), types) for key, field in fields.items()},
        "required": [key for key, field in fields.items() if field.required],
    }
    reference = {"$ref": f"#/types/{token}"}
    return {"type": "array", "items": reference} if prop.kind == "[object]" else reference
