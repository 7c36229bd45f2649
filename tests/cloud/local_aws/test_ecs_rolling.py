"""Deployments of the local ECS: rolling, limited, rolled back, superseded, scaled, deleted."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloud.load import Load
from tests.cloud.local_aws.ecs_service import Cloud, EcsService, containers, running_cloud, wait_for

pytestmark = pytest.mark.thorough  # the ordinary run meets all of this through a stack


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running_cloud(tmp_path_factory.mktemp("ecs")) as running:
        yield running


@pytest.fixture
def service(cloud: Cloud) -> Iterator[EcsService]:
    made = EcsService(cloud)
    yield made
    made.delete()
    assert not containers(**{"com.amazonaws.ecs.task-definition-family": made.name})


def test_rolling_under_load(service: EcsService) -> None:
    url = f"http://{service.balance()}/"
    service.create(service.definition(version="v1"), healthCheckGracePeriodSeconds=10)
    first = service.stable()
    old = service.deployment()
    assert old["status"] == "SUCCESSFUL" and old["sourceServiceRevisions"] == []
    wanted = service.definition(version="v2")
    private: list[bytes] = []
    service.ecs.meta.events.register(
        "before-parse.ecs", lambda response_dict, **_: private.append(response_dict["body"])
    )
    with Load(url) as count, Load(f"{url}slow/", rate=3) as slow:  # some requests are always in flight
        answered = service.update(taskDefinition=wanted)
        service.stable()
        served = count.total
        wait_for(lambda: count.total > served + 50, 5, "answers after the release")
    assert count.answers == {"200": count.total}
    assert slow.answers == {"200": slow.total} and set(slow.versions) == {"v1", "v2"}
    assert set(count.versions) == {"v1", "v2"}
    assert [item["status"] for item in answered["deployments"]] == ["PRIMARY", "ACTIVE"]
    primary = service.describe()["deployments"][0]
    assert primary["id"] == answered["deployments"][0]["id"] != first["deployments"][0]["id"]
    assert all(task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"] for task in service.tasks())
    assert {task["startedBy"] for task in service.tasks()} == {primary["id"]}
    done = service.deployment()
    assert done["status"] == "SUCCESSFUL"
    assert done["sourceServiceRevisions"][0]["arn"] == old["targetServiceRevision"]["arn"]
    revision = service.ecs.describe_service_revisions(serviceRevisionArns=[done["targetServiceRevision"]["arn"]])
    assert revision["serviceRevisions"][0]["taskDefinition"] == wanted
    digest = revision["serviceRevisions"][0]["containerImages"][0]["imageDigest"]
    assert {task["containers"][0]["imageDigest"] for task in service.tasks()} == {digest}
    assert not any(b'"_' in body for body in private), "a private key in an answer"
    _steady(service)


def test_minimum_healthy_percent(service: EcsService) -> None:
    half = {"maximumPercent": 100, "minimumHealthyPercent": 50}
    service.create(service.definition(version="v1"), deploymentConfiguration=half)
    service.stable()
    service.update(taskDefinition=service.definition(version="v2"))
    running: list[int] = []

    def done() -> bool:
        running.append(sum(task["lastStatus"] == "RUNNING" for task in service.tasks()))
        found = service.describe()["deployments"]
        return len(found) == 1 and found[0]["rolloutState"] == "COMPLETED"

    wait_for(done, 90, "the rolling update")
    assert min(running) == 1 and max(running) == 2


def test_rollback_reuses_what_runs(service: EcsService) -> None:
    good = service.definition(version="v1")
    service.create(good)
    service.stable()
    before = {task["taskArn"] for task in service.tasks()}
    service.update(taskDefinition=service.definition("crash", "bad"))
    wait_for(lambda: service.describe()["deployments"][0]["failedTasks"] > 0, 30, "a failed task")
    underway = service.deployment()
    assert underway["status"] == "IN_PROGRESS"
    started = time.monotonic()
    service.ecs.stop_service_deployment(serviceDeploymentArn=underway["serviceDeploymentArn"], stopType="ROLLBACK")
    service.stable()
    assert time.monotonic() - started < 5
    assert {task["taskArn"] for task in service.tasks()} == before
    assert service.describe()["taskDefinition"] == good
    ended = service.deployment()
    assert ended["serviceDeploymentArn"] == underway["serviceDeploymentArn"]
    assert ended["status"] == "ROLLBACK_SUCCESSFUL"
    assert ended["rollback"]["serviceRevisionArn"] == underway["sourceServiceRevisions"][0]["arn"]
    with pytest.raises(service.ecs.exceptions.ConflictException):
        service.ecs.stop_service_deployment(serviceDeploymentArn=ended["serviceDeploymentArn"])


def test_superseded_and_scaled(service: EcsService) -> None:
    service.create(service.definition(version="v1"), 0)
    assert service.stable()["deployments"][0]["rolloutState"] == "COMPLETED"
    assert service.tasks() == []
    service.update(taskDefinition=service.definition(version="v2"), desiredCount=2)
    first = service.deployment()
    service.update(forceNewDeployment=True)
    service.stable()
    listed = service.ecs.list_service_deployments(cluster=service.name, service=service.name)["serviceDeployments"]
    assert [item["status"] for item in listed] == ["SUCCESSFUL", "STOPPED", "SUCCESSFUL"]
    assert listed[1]["serviceDeploymentArn"] == first["serviceDeploymentArn"]
    deployment, kept = service.describe()["deployments"][0]["id"], {task["taskArn"] for task in service.tasks()}
    service.update(desiredCount=3)
    wait_for(lambda: service.describe()["runningCount"] == 3, 30, "three tasks")
    assert kept < {task["taskArn"] for task in service.tasks()}
    service.update(desiredCount=1)
    wait_for(lambda: service.describe()["runningCount"] == 1, 30, "one task")
    assert service.describe()["deployments"][0]["id"] == deployment
    _steady(service)


def _steady(service: EcsService) -> None:
    def told() -> Any:
        return "has reached a steady state" in service.describe()["events"][0]["message"]

    wait_for(told, 30, "steady state in the newest event")
