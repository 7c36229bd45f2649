"""How tasks of the local ECS fail: each with AWS's own reason, while the old version stays."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloud.local_aws.ecs_service import ROLE, Cloud, EcsService, containers, policy, running_cloud, wait_for

pytestmark = pytest.mark.thorough  # the ordinary run meets all of this through a stack

SECRET = "/ecs-test/secret"
WITH_SECRET = {"secrets": [{"name": "SECRET", "valueFrom": SECRET}]}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running_cloud(tmp_path_factory.mktemp("ecs")) as running:
        yield running


@pytest.fixture(scope="module")
def service(cloud: Cloud) -> Iterator[EcsService]:
    """A service whose two good tasks no test may cost."""
    cloud.client("ssm").put_parameter(Name=SECRET, Value="hush", Type="SecureString")
    made = EcsService(cloud)
    made.create(made.definition(container=WITH_SECRET))
    made.stable()
    yield made
    made.delete()
    assert not containers(**{"com.amazonaws.ecs.task-definition-family": made.name})


ABSENT = {"image": "absent"}  # stands for a tag that the cloud's registry has not
CASES: list[Any] = [
    ("crash", {}, "EssentialContainerExited", "Essential container in task exited", 3, ""),
    ("exit", {}, "EssentialContainerExited", "Essential container in task exited", 4, ""),
    ("oom", {}, "EssentialContainerExited", "Essential container in task exited", 137,
     "OutOfMemoryError: Container killed due to memory usage"),
    ("good", ABSENT, "TaskFailedToStart", "CannotPullContainerError: ", None,
     "CannotPullContainerError: "),
    ("good", {"entryPoint": ["/none"]}, "TaskFailedToStart", "CannotStartContainerError: ", None,
     "CannotStartContainerError: "),
    ("good", {"secrets": [{"name": "SECRET", "valueFrom": "/ecs-test/none"}]}, "TaskFailedToStart",
     "ResourceInitializationError: unable to pull secrets", None, "ResourceInitializationError: "),
    ("good", {"healthCheck": {"command": ["CMD", "/none"], "interval": 5, "retries": 1, "timeout": 2}},
     "ServiceSchedulerInitiated", "Task failed container health checks", 0, ""),
]  # fmt: skip


NAMES = ["crash", "exit", "oom", "image", "entry-point", "secret", "health-check"]


@pytest.mark.parametrize(("mode", "container", "code", "reason", "exit_code", "container_reason"), CASES, ids=NAMES)
def test_reason(
    service: EcsService, mode: str, container: dict[str, Any], code: str, reason: str, exit_code: int | None,
    container_reason: str,
) -> None:  # fmt: skip
    before = {task["taskArn"] for task in service.tasks()}
    if container == ABSENT:
        container = {"image": f"{service.image}-absent"}
    bad = service.definition(mode, "bad", container=container)
    service.update(taskDefinition=bad)
    arn = service.deployment()["serviceDeploymentArn"]
    try:
        task = service.stopped(bad)
        assert service.describe()["deployments"][0]["failedTasks"] >= 1
    finally:
        service.ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")
        service.stable()
    ended = task["containers"][0]
    assert (task["stopCode"], ended.get("exitCode")) == (code, exit_code), task
    assert task["stoppedReason"].startswith(reason)
    assert ended.get("reason", "").startswith(container_reason)
    assert {item["taskArn"] for item in service.tasks()} == before
    if mode == "crash":
        stream = f"ecs/app/{task['taskArn'].rpartition('/')[2]}"
        events = service.logs.get_log_events(logGroupName=f"/ecs/{service.name}", logStreamName=stream)["events"]
        assert "fatal: cannot start: no configuration" in [event["message"] for event in events]


def test_circuit_breaker_rolls_back(service: EcsService) -> None:
    before = {task["taskArn"] for task in service.tasks()}
    breaker = {"enable": True, "rollback": True}
    service.update(
        taskDefinition=service.definition("crash", "bad"), deploymentConfiguration={"deploymentCircuitBreaker": breaker}
    )
    wait_for(lambda: service.deployment()["status"] == "ROLLBACK_SUCCESSFUL", 60, "the circuit breaker")
    monitor = service.deployment()["deploymentCircuitBreaker"]
    assert monitor["status"] == "TRIGGERED" and monitor["failureCount"] == monitor["threshold"] == 3
    assert {task["taskArn"] for task in service.tasks()} == before


def test_circuit_breaker_without_rollback_gives_up(service: EcsService) -> None:
    before = {task["taskArn"] for task in service.tasks()}
    breaker = {"enable": True, "rollback": False}
    service.update(
        taskDefinition=service.definition("crash", "bad"), deploymentConfiguration={"deploymentCircuitBreaker": breaker}
    )
    wait_for(lambda: service.describe()["deployments"][0]["rolloutState"] == "FAILED", 60, "the circuit breaker")
    assert service.deployment()["status"] == "STOPPED"
    assert before <= {task["taskArn"] for task in service.tasks()}
    service.update(taskDefinition=service.definition(container=WITH_SECRET))
    service.stable()


def test_deployment_alarm_rolls_back(service: EcsService, cloud: Cloud) -> None:
    watch, before = cloud.client("cloudwatch"), service.describe()["taskDefinition"]
    watch.put_metric_alarm(
        AlarmName="errors", MetricName="m", Namespace="n", Statistic="Sum", Period=60, EvaluationPeriods=1,
        Threshold=1, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    watch.set_alarm_state(AlarmName="errors", StateValue="OK", StateReason="test")
    alarms = {"alarmNames": ["errors"], "enable": True, "rollback": True}
    service.update(taskDefinition=service.definition(version="v3"), deploymentConfiguration={"alarms": alarms})
    watch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="test")
    wait_for(lambda: service.deployment()["status"] == "ROLLBACK_SUCCESSFUL", 60, "the rollback", service.deployment)
    assert service.deployment()["alarms"]["triggeredAlarmNames"] == ["errors"]
    assert service.describe()["taskDefinition"] == before


def test_secret_reaches_the_container_in_clear(service: EcsService) -> None:
    address = _address(service.tasks()[0])
    with urllib.request.urlopen(f"http://{address}:8000/", timeout=5) as answer:
        assert answer.read().decode().split() == ["v1", "hush"]


def test_execution_role_is_asked(service: EcsService, cloud: Cloud) -> None:
    iam = cloud.client("iam")
    kept = iam.get_role_policy(RoleName=ROLE, PolicyName="start")["PolicyDocument"]
    kept = kept if isinstance(kept, str) else json.dumps(kept)
    iam.put_role_policy(RoleName=ROLE, PolicyName="start", PolicyDocument=kept.replace("ssm:GetParameters", "ssm:Get"))
    try:
        bad = service.definition(container=WITH_SECRET)
        service.update(taskDefinition=bad)
        assert "is not authorized to perform: ssm:GetParameters on resource" in service.stopped(bad)["stoppedReason"]
    finally:
        iam.put_role_policy(RoleName=ROLE, PolicyName="start", PolicyDocument=kept)
    service.stable()  # the next attempt succeeds


def test_cluster_condition(service: EcsService, cloud: Cloud) -> None:
    iam, cluster = cloud.client("iam"), f"arn:aws:ecs:us-east-1:000000000000:cluster/{service.name}"
    iam.create_user(UserName="lister")
    condition = {"ArnEquals": {"ecs:cluster": cluster}}
    iam.put_user_policy(
        UserName="lister", PolicyName="list",
        PolicyDocument=policy("ecs:ListTasks", Resource="*", Condition=condition),
    )  # fmt: skip
    key = iam.create_access_key(UserName="lister")["AccessKey"]
    lister = cloud.client("ecs", key["AccessKeyId"], key["SecretAccessKey"])
    assert len(lister.list_tasks(cluster=service.name)["taskArns"]) == 2
    with pytest.raises(lister.exceptions.ClientError, match="ecs:ListTasks"):
        lister.list_tasks(cluster="another")


def test_unhealthy_target_is_replaced(cloud: Cloud) -> None:
    service = EcsService(cloud)
    service.balance()
    service.create(service.definition(), healthCheckGracePeriodSeconds=1)
    service.stable()
    broken = service.tasks()[0]
    with urllib.request.urlopen(f"http://{_address(broken)}:8000/break", timeout=5):
        pass
    task = service.stopped(broken["taskDefinitionArn"])
    assert task["taskArn"] == broken["taskArn"]
    assert task["stoppedReason"] == f"Task failed ELB health checks in (target-group {service.group_arn})"
    assert any("is unhealthy in (target-group" in event["message"] for event in service.describe()["events"])
    service.stable()
    service.delete()
    assert not containers(**{"com.amazonaws.ecs.task-definition-family": service.name})


def _address(task: dict[str, Any]) -> str:
    details = {item["name"]: item["value"] for item in task["attachments"][0]["details"]}
    return str(details["privateIPv4Address"])
