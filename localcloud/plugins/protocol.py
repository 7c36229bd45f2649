"""The generated protocol of Pulumi's plugins, without the rest of the SDK.

`import pulumi` takes 0.2 s and a plugin starts several times in one `pulumi up`; the messages alone need half of that.
"""

import importlib.util
import sys
from types import ModuleType


def _lighten(name: str) -> None:
    """Put an empty package in place of `name`, whose submodules are still found on its path."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError("the package pulumi is not installed; run `make up`, or pip install -r requirements.txt")
    package = ModuleType(name)
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules[name] = package


_whole = "pulumi" in sys.modules  # a test may have loaded the SDK: then it is used as it is
if not _whole:
    _lighten("pulumi")
    _lighten("pulumi.runtime")
    # proto's own __init__ imports every message of every service.
    _lighten("pulumi.runtime.proto")

from google.protobuf import empty_pb2, struct_pb2  # type: ignore[import-untyped]  # noqa: E402  # they have no types
from pulumi.runtime.proto import (  # noqa: E402
    engine_pb2,
    engine_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)

if not _whole:
    # A later `import pulumi` of the same process (a test) gets the real package again.
    for _name in ("pulumi", "pulumi.runtime", "pulumi.runtime.proto"):
        del sys.modules[_name]

__all__ = [
    "empty_pb2",
    "engine_pb2",
    "engine_pb2_grpc",
    "plugin_pb2",
    "provider_pb2",
    "provider_pb2_grpc",
    "status_pb2",
    "struct_pb2",
]
