"""What the SDK packages declare, read from their classes."""

import importlib
import inspect
import typing
from collections.abc import Mapping
from typing import Any

from pulumi import _types


def sdk_class(token: str) -> Any:
    """`aws:ecs/service:Service` → pulumi_aws.ecs.Service."""
    package, path, name = token.split(":")
    return getattr(importlib.import_module(f"pulumi_{package}.{path.split('/')[0]}"), name)


def args_class(token: str) -> Any:
    """Of the resource: where an old property has the same name, the SDK calls the resource's `…InitArgs`."""
    cls = sdk_class(token)
    module = importlib.import_module(cls.__module__)
    clashing = getattr(module, f"{cls.__name__}InitArgs", None)
    return clashing or getattr(module, f"{cls.__name__}Args")


def declared(cls: Any) -> dict[str, tuple[Any, bool]]:
    """Pulumi's property name → (type, required) of an Args class."""
    python_names = _types._py_to_pulumi_names_from_py_properties(cls)
    types = _types._types_from_py_properties(cls)
    parameters = inspect.signature(cls.__init__).parameters
    return {
        name: (types[name], parameters[key].default is inspect.Parameter.empty)
        for key, name in python_names.items()
        if key in parameters
    }


def kind_of(hint: Any) -> tuple[str, Any]:
    """The table's word for an SDK type, and the class of its objects."""
    hint = _types.unwrap_type(hint)
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Union:
        # A document may be text or an Args class: text is what the table takes.
        kinds = [kind_of(one) for one in args if one is not type(None)]
        return next((one for one in kinds if one[0] == "str"), kinds[0])
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "{str}", None
    if origin is not None:
        inner, cls = kind_of(args[0])
        return f"[{inner}]", cls
    if isinstance(hint, type) and _types.is_input_type(hint):
        return "object", hint
    return str(hint.__name__), None
