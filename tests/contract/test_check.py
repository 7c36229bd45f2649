"""What the aws stand-in refuses, before anything is touched: each in one clear sentence."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.plugins.aws.table import every_row
from localcloud.plugins.values import UNKNOWN, Object
from tests.contract.plugin import REPOSITORY, Failed, Plugin

SERVICE = "aws:ecs/service:Service"
# Nothing listens there: whatever these tests do needs no cloud.
_NOWHERE = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    with Plugin("aws", {**os.environ, **_NOWHERE}, tmp_path_factory.mktemp("plugin")) as started:
        assert started.configure({"region": "us-east-1"}) == []
        yield started


def _refused(plugin: Plugin, token: str, inputs: Object) -> dict[str, str]:
    return dict(plugin.check(token, "it", inputs)[1])


@pytest.mark.parametrize("token", sorted(every_row()))
def test_property_a_row_does_not_know(plugin: Plugin, token: str) -> None:
    assert f"{token} has no property 'foo'" in _refused(plugin, token, {"foo": 1})["foo"]


@pytest.mark.parametrize(
    ("inputs", "path", "reason"),
    [
        ({"desiredCount": "two"}, "desiredCount", "wants 'desiredCount' to be a whole number, got str 'two'"),
        ({"desiredCount": True}, "desiredCount", "wants 'desiredCount' to be a whole number, got bool True"),
        ({"desiredCount": 1.5}, "desiredCount", "wants 'desiredCount' to be a whole number, got float 1.5"),
        ({"cluster": 1}, "cluster", "wants 'cluster' to be a string, got int 1"),
        ({"tags": {"a": 1}}, "tags.a", "wants 'tags.a' to be a string, got int 1"),
        ({"networkConfiguration": {}}, "networkConfiguration.subnets", "needs the property"),
        ({"networkConfiguration": {"subnets": "x"}}, "networkConfiguration.subnets", "to be a list"),
        ({"networkConfiguration": {"subnets": [1]}}, "networkConfiguration.subnets[0]", "to be a string, got int 1"),
        ({"loadBalancers": [{"port": 1}]}, "loadBalancers[0].port", "has no property 'loadBalancers[0].port'"),
        ({"loadBalancers": [3]}, "loadBalancers[0]", "to be an object"),
        ({"sigintRollback": True}, "sigintRollback", "needs waitForSteadyState"),
    ],
)
def test_wrong_property_of_a_service(plugin: Plugin, inputs: Object, path: str, reason: str) -> None:
    assert reason in _refused(plugin, SERVICE, inputs)[path]


def test_json_that_is_none(plugin: Plugin) -> None:
    refused = _refused(plugin, "aws:ecs/taskDefinition:TaskDefinition", {"family": "f", "containerDefinitions": "[{"})
    assert "wants 'containerDefinitions' to be JSON" in refused["containerDefinitions"]


def test_value_of_a_secret_is_not_shown(plugin: Plugin) -> None:
    refused = _refused(plugin, "aws:ssm/parameter:Parameter", {"type": "SecureString", "value": 4711})
    assert "4711" not in refused["value"]


def test_what_is_not_known_yet_is_accepted(plugin: Plugin) -> None:
    inputs, failures = plugin.check(SERVICE, "it", {"desiredCount": UNKNOWN, "networkConfiguration": UNKNOWN})
    assert failures == []
    assert inputs["desiredCount"] == UNKNOWN


def test_unknown_type(plugin: Plugin) -> None:
    with pytest.raises(Failed, match="does not offer the type aws:sqs/queue:Queue"):
        plugin.check("aws:sqs/queue:Queue", "it", {})


def test_unknown_function(plugin: Plugin) -> None:
    with pytest.raises(Failed, match="does not offer the function aws:ec2/getKeyPair:getKeyPair"):
        plugin.invoke("aws:ec2/getKeyPair:getKeyPair", {})


def test_automatic_name_is_kept_until_it_is_given(plugin: Plugin) -> None:
    first, _ = plugin.check("aws:ecr/repository:Repository", "it", {})
    second, _ = plugin.check("aws:ecr/repository:Repository", "it", {}, first)
    assert first["name"].startswith("it-")
    assert len(first["name"]) == len("it-") + 7
    assert second["name"] == first["name"]
    named, _ = plugin.check("aws:ecr/repository:Repository", "it", {"name": "given"}, first)
    diff = plugin.diff("aws:ecr/repository:Repository", "it", first["name"], first, first, named)
    assert list(diff.replaces) == ["name"]


def test_given_name_is_deleted_before_it_is_made_again(plugin: Plugin) -> None:
    token = "aws:lb/targetGroup:TargetGroup"
    old, _ = plugin.check(token, "it", {"name": "fixed", "port": 1})
    new, _ = plugin.check(token, "it", {"name": "fixed", "port": 2}, old)
    assert plugin.diff(token, "it", "id", old, old, new).deleteBeforeReplace
    old, _ = plugin.check(token, "it", {"port": 1})
    new, _ = plugin.check(token, "it", {"port": 2}, old)
    assert not plugin.diff(token, "it", "id", old, old, new).deleteBeforeReplace


def test_containers_are_compared_by_meaning(plugin: Plugin) -> None:
    token = "aws:ecs/taskDefinition:TaskDefinition"
    written = (
        '[{"name": "app", "image": "a:1", "environment": [{"name": "b", "value": "1"}, {"name": "a", "value": "2"}]}]'
    )
    stored = (
        '[{"environment":[{"name":"a","value":"2"},{"name":"b","value":"1"}],"essential":true,"image":"a:1",'
        '"mountPoints":[],"name":"app","cpu":0}]'
    )
    old, _ = plugin.check(token, "it", {"family": "f", "containerDefinitions": written})
    state = {**old, "containerDefinitions": stored}
    assert not plugin.diff(token, "it", "id", state, old, old).detailedDiff
    new, _ = plugin.check(token, "it", {"family": "f", "containerDefinitions": written.replace("a:1", "a:2")}, old)
    assert list(plugin.diff(token, "it", "id", state, old, new).replaces) == ["containerDefinitions"]


def test_policies_are_compared_by_meaning(plugin: Plugin) -> None:
    token = "aws:iam/rolePolicy:RolePolicy"
    one = '{"Statement": [{"Action": "s3:Get", "Effect": "Allow", "Resource": ["b", "a"]}]}'
    same = '{"Statement": {"Effect": "Allow", "Action": ["s3:Get"], "Resource": ["a", "b"]}}'
    old, _ = plugin.check(token, "it", {"name": "n", "role": "r", "policy": one})
    new, _ = plugin.check(token, "it", {"name": "n", "role": "r", "policy": same}, old)
    assert not plugin.diff(token, "it", "id", old, old, new).detailedDiff


@pytest.mark.parametrize(
    ("configuration", "reason"),
    [
        ({"regions": "x"}, "has no configuration 'regions'"),
        ({"defaultTags": '{"tag": {}}'}, "aws:defaultTags has only 'tags'"),
        ({"allowedAccountIds": "1"}, "aws:allowedAccountIds wants list"),
    ],
)
def test_wrong_configuration(plugin: Plugin, configuration: Object, reason: str) -> None:
    (failure,) = plugin.configure(configuration)
    assert reason in failure[1]


@pytest.mark.parametrize(
    "endpoint", ["", "https://sts.amazonaws.com", "http://10.0.0.1:4566", "http://127.0.0.1.example.com"]
)
def test_refuses_every_cloud_but_the_local_one(endpoint: str, tmp_path: Path) -> None:
    environment = {**os.environ, "AWS_ENDPOINT_URL": endpoint}
    with Plugin("aws", environment, tmp_path) as plugin, pytest.raises(Failed, match="serves the local cloud only"):
        plugin.configure({"region": "us-east-1"})


def test_region_is_needed(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")} | _NOWHERE
    with Plugin("aws", environment, tmp_path) as plugin, pytest.raises(Failed, match="no region is configured"):
        plugin.configure({})


def test_cloud_that_does_not_answer(plugin: Plugin) -> None:
    expected = (
        r"sts:GetCallerIdentity failed: ConnectionRefusedError: the local cloud at http://127.0.0.1:9 does not answer"
    )
    with pytest.raises(Failed, match=expected):
        plugin.invoke("aws:index/getCallerIdentity:getCallerIdentity", {})


def test_account_that_is_not_allowed(cloud: dict[str, str], tmp_path: Path) -> None:
    with Plugin("aws", {**os.environ, **cloud}, tmp_path) as plugin:
        with pytest.raises(Failed, match=r"AWS account ID not allowed: 0+; allowedAccountIds is 123456789012"):
            plugin.configure({"region": "us-east-1", "allowedAccountIds": '["123456789012"]'})


def test_starts_without_boto3_and_the_sdk() -> None:
    """Both take longer to import than everything a preview of an unchanged stack does."""
    script = (
        "import sys; from localcloud.plugins.aws.table import every_row; import localcloud.plugins.aws.provider;"
        "import localcloud.plugins.aws.functions, localcloud.plugins.aws.caller; every_row();"
        "print(sorted({'boto3', 'botocore', 'pulumi', 'pulumi.resource', 'pulumi_aws'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, stdout=subprocess.PIPE, check=True, text=True)
    assert ran.stdout.strip() == "[]"


def test_without_its_packages_it_says_what_to_do(tmp_path: Path) -> None:
    executable = REPOSITORY / "localcloud/plugins/bin/pulumi-resource-aws"
    # -S: no site-packages, so neither grpc nor protobuf.
    ran = subprocess.run(
        [sys.executable, "-S", str(executable)], cwd=tmp_path, stderr=subprocess.PIPE, text=True, check=False
    )
    assert ran.returncode == 1
    assert "lacks the module" in ran.stderr
    assert "source .local/env.sh" in ran.stderr
    assert "Traceback" not in ran.stderr
