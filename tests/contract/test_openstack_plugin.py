"""The assembled openstack plugin against the real SDK: it takes and gives what programs written for the real one do."""

import importlib
import inspect
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pulumi import _types

from localcloud.up import openstack_plugin, toolchain
from tests.contract.plugin import Plugin
from tests.contract.sdk import args_class, declared, kind_of, sdk_class

# pulumi_openstack warns about classes of its own when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore:openstack.index/:DeprecationWarning")
RESOURCES = (
    "blockstorage/volume:Volume",
    "compute/instance:Instance",
    "compute/keypair:Keypair",
    "images/image:Image",
    "networking/floatingIp:FloatingIp",
    "networking/floatingIpAssociate:FloatingIpAssociate",
    "networking/network:Network",
    "networking/port:Port",
    "networking/secGroup:SecGroup",
    "networking/secGroupRule:SecGroupRule",
    "networking/subnet:Subnet",
)
FUNCTIONS = (
    "compute/getFlavor:getFlavor",
    "images/getImage:getImage",
    "images/getImageIds:getImageIds",
    "networking/getNetwork:getNetwork",
)
WORDS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Any]]:
    """What the plugin on PATH says of itself."""
    if toolchain.plugin_installed(openstack_plugin.NAME, openstack_plugin.VERSION):
        pytest.skip("the real plugin is installed, and used")
    program = shutil.which(openstack_plugin.PROGRAM.name)
    assert program, "`make up --goal test` builds the plugin"
    with Plugin(
        "openstack", os.environ, tmp_path_factory.mktemp("plugin"), engine=True, program=Path(program)
    ) as plugin:
        yield json.loads(plugin.schema())


def kind(schema: Mapping[str, Any], prop: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The word for a property's type, and the fields of its objects."""
    if "$ref" in prop:
        return "object", schema["types"][prop["$ref"].removeprefix("#/types/")]
    if prop["type"] == "array":
        inner, fields = kind(schema, prop["items"])
        return f"[{inner}]", fields
    if prop["type"] == "object":
        return "{str}", {}
    return WORDS[prop["type"]], {}


def differences(schema: Mapping[str, Any], found: Mapping[str, Any], required: list[str], cls: Any) -> Iterator[str]:
    """Of the plugin's inputs and the SDK's."""
    known = declared(cls)
    for name in known.keys() ^ found.keys():
        yield f"{cls.__name__}.{name} is only in the {'SDK' if name in known else 'plugin'}"
    for name in known.keys() & found.keys():
        hint, needed = known[name]
        word, inner = kind_of(hint)
        said, fields = kind(schema, found[name])
        if (word, needed) != (said, name in required):
            yield f"{cls.__name__}.{name} is {word}, needed: {needed} in the SDK, {said} in the plugin"
        elif fields and inner is not None:
            yield from differences(schema, fields["properties"], fields["required"], inner)


@pytest.mark.parametrize("name", RESOURCES)
def test_a_resource_takes_what_the_sdk_sends(schema: Mapping[str, Any], name: str) -> None:
    token = f"openstack:{name}"
    resource = schema["resources"][token]
    found = differences(schema, resource["inputProperties"], resource["requiredInputs"], args_class(token))
    assert list(found) == []


@pytest.mark.parametrize("name", RESOURCES)
def test_a_resource_gives_what_the_sdk_knows(schema: Mapping[str, Any], name: str) -> None:
    token = f"openstack:{name}"
    assert sdk_class(token).pulumi_type == token
    assert set(schema["resources"][token]["properties"]) == set(_types.resource_types(sdk_class(token)))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_takes_and_gives_what_the_sdk_knows(schema: Mapping[str, Any], name: str) -> None:
    place, _, word = name.partition(":")
    module = importlib.import_module(f"pulumi_openstack.{place.partition('/')[0]}")
    function = schema["functions"][f"openstack:{name}"]
    python_name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in word)
    parameters = inspect.signature(getattr(module, python_name)).parameters
    assert {_camel(key) for key in parameters if key != "opts"} == set(function["inputs"]["properties"])
    result = getattr(module, f"{word[0].upper()}{word[1:]}Result")
    given = set(_types._py_to_pulumi_names_from_py_properties(result).values())
    assert given - {"id"} == set(function["outputs"]["properties"]) - {"id"}


def test_the_plugin_knows_no_type_that_is_not_held_against_the_sdk(schema: Mapping[str, Any]) -> None:
    assert set(schema["resources"]) == {f"openstack:{name}" for name in RESOURCES}
    assert set(schema["functions"]) == {f"openstack:{name}" for name in FUNCTIONS}
    assert schema["version"] == openstack_plugin.VERSION


def test_the_plugin_is_of_the_sdks_version() -> None:
    pinned = (Path(__file__).parents[2] / "requirements.txt").read_text().splitlines()
    assert f"pulumi-openstack=={openstack_plugin.VERSION}" in pinned


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
