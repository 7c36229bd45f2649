"""Property values between the wire (protobuf Struct) and Python: secrets and unknowns are kept."""

from dataclasses import dataclass
from typing import Any

from .protocol import struct_pb2

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # stands for a value that is not known during a preview

Object = dict[str, Any]


@dataclass(frozen=True)
class Secret:
    """A value the engine must encrypt in its state and mask in its output."""

    value: Any


def decode(struct: struct_pb2.Struct) -> Object:
    """Python values of a Struct; secrets as `Secret`, unknowns as `UNKNOWN`, whole numbers as int."""
    return {key: _decode(value) for key, value in struct.fields.items() if value.WhichOneof("kind") != "null_value"}


def _decode(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        decoded = decode(value.struct_value)
        if decoded.get(_SIGNATURE) == _SECRET:
            return Secret(decoded.get("value"))
        return decoded
    if kind == "list_value":
        return [_decode(item) for item in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "string_value":
        return value.string_value
    if kind == "bool_value":
        return value.bool_value
    return None


def encode(values: Object) -> struct_pb2.Struct:
    """The Struct of Python values; None is left out."""
    struct = struct_pb2.Struct()
    struct.update({key: _encodable(value) for key, value in values.items() if value is not None})
    return struct


def _encodable(value: Any) -> Any:
    if isinstance(value, Secret):
        return {_SIGNATURE: _SECRET, "value": _encodable(value.value)}
    if isinstance(value, dict):
        return {key: _encodable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(item) for item in value]
    return value


def plain(value: Any) -> Any:
    """The value without its secret marks."""
    if isinstance(value, Secret):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def has_secret(value: Any) -> bool:
    """Whether anything inside is secret."""
    if isinstance(value, dict):
        return any(has_secret(item) for item in value.values())
    if isinstance(value, list):
        return any(has_secret(item) for item in value)
    return isinstance(value, Secret)


def has_unknown(value: Any) -> bool:
    """Whether anything inside is not known yet."""
    if isinstance(value, Secret):
        return has_unknown(value.value)
    if isinstance(value, dict):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return bool(value == UNKNOWN)


def mark(value: Any, like: Any) -> Any:
    """`value` with the secret marks of `like`, wherever both have the same place."""
    if isinstance(value, Secret):
        return value
    if isinstance(like, Secret):
        return Secret(value)
    if isinstance(value, dict) and isinstance(like, dict):
        return {key: mark(item, like.get(key)) for key, item in value.items()}
    if isinstance(value, list) and isinstance(like, list):
        if len(value) != len(like):
            # Places can no longer be compared: rather too secret than too open.
            return Secret(value) if has_secret(like) else value
        return [mark(item, other) for item, other in zip(value, like, strict=True)]
    return value
