"""Every row and function against the real SDK: what a program can write for the stand-in, the real plugin accepts."""

import importlib
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pulumi import _types

from localcloud.plugins.aws.functions import FUNCTIONS
from localcloud.plugins.aws.properties import Prop
from localcloud.plugins.aws.row import Row
from localcloud.plugins.aws.table import every_row
from localcloud.plugins.command.provider import INPUTS
from tests.contract.sdk import args_class, declared, kind_of, sdk_class

# pulumi_aws.ec2 and pulumi_aws.s3 warn about classes of their own when they are imported.
pytestmark = [
    pytest.mark.filterwarnings("ignore:aws.ec2/encryptioncontrol:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:(aws.s3/|s3.BucketV2):DeprecationWarning"),
]
ROWS = every_row()
_KINDS = {"str": "str", "json": "str", "policy": "str", "int": "int", "float": "float", "bool": "bool"}


def mismatches(props: Mapping[str, Prop], cls: Any, place: str) -> Iterator[str]:
    known = declared(cls)
    for key, prop in props.items():
        if key not in known:
            yield f"{place}.{key} is not in {cls.__name__}"
            continue
        hint, required = known[key]
        kind, inner = kind_of(hint)
        if required != prop.required:
            yield f"{place}.{key}: required is {required} in the SDK"
        if kind != _KINDS.get(prop.kind, prop.kind):
            yield f"{place}.{key}: the SDK says {kind}, the row {prop.kind}"
        elif prop.fields is not None:
            yield from mismatches(prop.fields, inner, f"{place}.{key}")
    for key, (_, required) in known.items():
        if required and key not in props:
            yield f"{place} lacks the required {key}"


@pytest.mark.parametrize("token", sorted(ROWS))
def test_inputs_are_those_of_the_sdk(token: str) -> None:
    assert list(mismatches(ROWS[token].all_props(), args_class(token), token)) == []


@pytest.mark.parametrize("token", sorted(ROWS))
def test_outputs_are_those_of_the_sdk(token: str) -> None:
    cls = sdk_class(token)
    assert cls.pulumi_type == token
    known = set(_types.resource_types(cls))
    row: type[Row] = ROWS[token]
    assert set(row.all_outputs()) - known == set()
    assert set(row.all_props()) - known == set()


@pytest.mark.parametrize("token", sorted(ROWS))
def test_row_says_how_it_is_imported(token: str) -> None:
    assert ROWS[token].import_id


@pytest.mark.parametrize("token", sorted(FUNCTIONS))
def test_function_takes_what_the_sdk_sends(token: str) -> None:
    path, name = token.split(":")[1].split("/")[0], token.rsplit(":", 1)[-1]
    module = importlib.import_module("pulumi_aws" if path == "index" else f"pulumi_aws.{path}")
    python_name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    parameters = inspect.signature(getattr(module, python_name)).parameters
    camel = {_camel(key) for key in parameters if key != "opts"}
    assert set(FUNCTIONS[token].args) == camel


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def test_command_takes_what_the_sdk_sends() -> None:
    import pulumi_command.local as local

    known = declared(local.CommandArgs)
    refused = {"assetPaths", "archivePaths"}
    assert set(INPUTS) == set(known) - refused
    for key, kind in INPUTS.items():
        sdk_kind = kind_of(known[key][0])[0]
        assert sdk_kind.replace("Any", "any").replace("Logging", "str") == kind, key


def test_every_row_is_found_by_its_token() -> None:
    from localcloud.plugins.aws.table import find_row

    for token in ROWS:
        assert find_row(f"urn:pulumi:s::p::{token}::n")[0].token == token
