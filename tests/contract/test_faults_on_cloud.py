"""The aws stand-in when the cloud refuses, is slow, or was changed by somebody else."""

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from localcloud.plugins.protocol import provider_pb2 as pb
from localcloud.plugins.values import Object
from tests.contract.plugin import Failed, Plugin

REPOSITORY = "aws:ecr/repository:Repository"
CLUSTER = "aws:ecs/cluster:Cluster"
SERVICE = "aws:ecs/service:Service"
GROUP = "aws:cloudwatch/logGroup:LogGroup"


def _client(cloud: dict[str, str], service: Any) -> Any:
    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=cloud["AWS_ENDPOINT_URL"],
        aws_access_key_id=cloud["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=cloud["AWS_SECRET_ACCESS_KEY"],
    )


def _made(plugin: Plugin, token: str, /, **news: Any) -> tuple[str, Object, Object]:
    inputs, failures = plugin.check(token, "it", news)
    assert failures == []
    resource_id, state = plugin.create(token, "it", inputs)
    return resource_id, state, inputs


@pytest.fixture
def service(aws: Plugin, cloud: dict[str, str]) -> Iterator[tuple[str, Object, Object]]:
    """A service without tasks, in the default cluster's place."""
    ecs = _client(cloud, "ecs")
    ecs.create_cluster(clusterName="faults")
    container = {"name": "app", "image": "none", "essential": True}
    ecs.register_task_definition(family="faults", containerDefinitions=[container])
    made = _made(aws, SERVICE, name="faults", cluster="faults", taskDefinition="faults:1", desiredCount=0)
    yield made
    aws.delete(SERVICE, "it", *made)
    ecs.delete_cluster(cluster="faults")


def test_repository_with_images_goes_only_by_force(aws: Plugin, cloud: dict[str, str]) -> None:
    kept = _made(aws, REPOSITORY, name="kept")
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": 2,
            "digest": "sha256:" + "0" * 64,
        },
        "layers": [],
    }
    _client(cloud, "ecr").put_image(repositoryName="kept", imageManifest=json.dumps(manifest), imageTag="v1")
    with pytest.raises(Failed, match=r"ecr:DeleteRepository failed: RepositoryNotEmptyException: .*forceDelete"):
        aws.delete(REPOSITORY, "kept", *kept)
    forced, _ = aws.check(REPOSITORY, "kept", {"name": "kept", "forceDelete": True}, kept[2])
    state = aws.update(REPOSITORY, "kept", *kept, forced)
    aws.delete(REPOSITORY, "kept", kept[0], state, forced)


def test_denied_action_is_named(cloud: dict[str, str], tmp_path: Path) -> None:
    iam = _client(cloud, "iam")
    iam.create_user(UserName="nobody")
    key = iam.create_access_key(UserName="nobody")["AccessKey"]
    keys = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    with Plugin("aws", {**os.environ, **cloud, **keys}, tmp_path) as plugin:
        plugin.configure({"region": "us-east-1"})
        with pytest.raises(
            Failed, match=r"^creating aws:cloudwatch/logGroup:LogGroup 'it': logs:CreateLogGroup failed: Acc"
        ) as failure:
            _made(plugin, GROUP, name="/faults/denied")
    assert "\n" not in str(failure.value)
    iam.delete_access_key(UserName="nobody", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="nobody")


def test_wait_ends_when_cancelled(cloud: dict[str, str], tmp_path: Path, service: tuple[str, Object, Object]) -> None:
    """A cluster with a service in it cannot go; the wait for it hears the engine's Cancel."""
    arn = service[1]["arn"].replace(":service/", ":cluster/").rsplit("/", 1)[0]
    with Plugin("aws", {**os.environ, **cloud}, tmp_path) as plugin:
        plugin.configure({"region": "us-east-1"})
        threading.Timer(1.5, plugin.cancel).start()
        with pytest.raises(Failed, match="cancelled while waiting for the cluster to be empty"):
            plugin.delete(CLUSTER, "faults", arn, {"arn": arn, "name": "faults"}, {})


def test_service_moved_by_a_release_is_left_where_it_is(
    aws: Plugin, cloud: dict[str, str], service: tuple[str, Object, Object]
) -> None:
    """With task_definition and desired_count ignored, an update sends neither."""
    resource_id, state, inputs = service
    ecs = _client(cloud, "ecs")
    container = {"name": "app", "image": "another", "essential": True}
    ecs.register_task_definition(family="faults", containerDefinitions=[container])
    ecs.update_service(cluster="faults", service="faults", taskDefinition="faults:2")
    ignored = ["taskDefinition", "desiredCount"]

    # Without a refresh: the state is out of date, and the engine sends the old inputs for what is ignored.
    wanted, _ = aws.check(SERVICE, "faults", {**inputs, "propagateTags": "SERVICE"}, inputs)
    diff = aws.diff(SERVICE, "faults", resource_id, state, inputs, wanted, ignored)
    assert set(diff.detailedDiff) == {"propagateTags"}
    aws.update(SERVICE, "faults", resource_id, state, inputs, wanted, ignored)
    found = ecs.describe_services(cluster="faults", services=["faults"])["services"][0]
    assert (found["taskDefinition"].rsplit("/", 1)[-1], found["propagateTags"]) == ("faults:2", "SERVICE")

    # After a refresh: the move is seen, and without the option it would be taken back.
    _, refreshed, new_inputs = aws.read(SERVICE, "faults", resource_id, state, wanted)
    assert new_inputs["taskDefinition"] == "faults:2"
    diff = aws.diff(SERVICE, "faults", resource_id, refreshed, new_inputs, wanted)
    assert set(diff.detailedDiff) == {"taskDefinition"}
    assert diff.changes == pb.DiffResponse.DIFF_SOME
    assert not aws.diff(SERVICE, "faults", resource_id, refreshed, new_inputs, wanted, ignored).detailedDiff
    ecs.update_service(cluster="faults", service="faults", taskDefinition="faults:1")


def test_change_by_hand_is_seen(aws: Plugin, cloud: dict[str, str]) -> None:
    resource_id, state, inputs = _made(aws, GROUP, name="/faults/hand", retentionInDays=7, tags={"a": "1"})
    logs = _client(cloud, "logs")
    logs.delete_retention_policy(logGroupName="/faults/hand")
    logs.tag_log_group(logGroupName="/faults/hand", tags={"b": "2"})
    _, found, found_inputs = aws.read(GROUP, "hand", resource_id, state, inputs)
    assert (found["retentionInDays"], found["tags"]) == (0, {"a": "1", "b": "2"})
    assert (found_inputs["retentionInDays"], found_inputs["tags"]) == (0, {"a": "1", "b": "2"})
    diff = aws.diff(GROUP, "hand", resource_id, found, found_inputs, inputs)
    assert set(diff.detailedDiff) == {"retentionInDays", "tags.b", "tagsAll.b"}
    restored = aws.update(GROUP, "hand", resource_id, found, found_inputs, inputs)
    assert (restored["retentionInDays"], restored["tagsAll"]) == (7, {"a": "1", "system": "contract"})
    aws.delete(GROUP, "hand", resource_id, restored, inputs)
