"""A bad release changes nothing for users, fails with its reason, and leaves the old version serving."""

import re
from typing import Any

import boto3
import pytest

from tests.cloud.load import Load
from tests.cloud.project import Project

CLUSTER, SERVICE = "LiveInsight-cluster", "LiveInsight-service"
REASONS = {
    "crash": (r"exit code 1\b", r"log \| .*migration 0042 is not applied"),
    "exit-20": (r"exit code 1\b", r"log \| .*lost the connection to the queue"),
    "health-500": (r"Health checks failed with these codes: \[500\]",),
    "never-listens": (
        r"(is unhealthy|failed ELB health checks in .*): (Health checks failed|Request timed out)",
        r"log \| .*waiting for a lock that nobody gives back",
    ),
    "no-such-tag": (r"the registry has no liveinsight-app:no-such-tag; push it",),
    "oom": (r"OutOfMemoryError: Container killed due to memory usage, exit code 137",),
}

SAMPLED = ("crash", "no-such-tag")  # the ordinary run's


@pytest.fixture
def long_health_window(released: Project, request: pytest.FixtureRequest) -> None:
    """As `liveinsight.local` has it: 5 × 5 s, longer than the 20 s after which `exit-20` ends."""
    wanted = "5" if request.node.callspec.params["tag"] == "exit-20" else "2"
    if f"healthyThreshold: {wanted}" not in released.config().replace('"', ""):
        released.set("healthCheck.healthyThreshold", wanted)
        released.up()


@pytest.mark.usefixtures("long_health_window")
@pytest.mark.parametrize(
    "tag", [tag if tag in SAMPLED else pytest.param(tag, marks=pytest.mark.thorough) for tag in REASONS]
)
def test_a_bad_release_fails_with_its_reason_and_users_see_nothing(
    released: Project, aws: boto3.session.Session, now: str, tag: str
) -> None:
    before = released.output("release")
    with Load(released.output("url")) as count:
        done = released.release(tag, check=False)
    assert done.returncode != 0
    for reason in REASONS[tag]:
        assert re.search(reason, done.stdout), f"{reason} in:\n{done.stdout[-4000:]}"
    assert count.failed == 0, count.answers
    assert set(count.versions) == {now}
    assert released.output("release") == before
    assert recorded_digest(aws) == before["digest"] == running_digest(aws)
    assert service(aws)["taskDefinition"] == before["task_definition"]
    pending = released.pulumi("preview", "--diff").stdout
    assert re.search(rf"IMAGE.*:{now}.*=>.*:{tag}", pending), pending


def test_a_version_that_only_the_balancer_finds_healthy_is_taken_back_by_the_verification(
    released: Project, aws: boto3.session.Session, now: str
) -> None:
    """It gets into service, and a user's `/health/` then fails: only the verification can see it."""
    before = released.output("release")
    released.set("verification.timeoutSeconds", "40")
    with Load(released.output("url") + "/") as count:
        done = released.release("health-lies", check=False)
    released.set("verification.timeoutSeconds", "600")
    assert done.returncode != 0
    assert "did not pass 3 times in a row; the last answer was HTTP 500" in done.stdout, done.stdout[-4000:]
    assert "again" in done.stdout and f"undone: {SERVICE} is back on" in done.stdout
    assert count.failed == 0 and set(count.versions) == {now, "health-lies"}
    assert recorded_digest(aws) == before["digest"] == running_digest(aws)
    assert service(aws)["taskDefinition"] == before["task_definition"]


@pytest.mark.thorough
def test_a_good_tag_succeeds_after_a_bad_one(released: Project, other: str) -> None:
    assert released.release("crash", check=False).returncode != 0
    released.release(other)
    assert released.output("release")["image_tag"] == other


def service(aws: boto3.session.Session) -> dict[str, Any]:
    """The service as ECS describes it."""
    found: dict[str, Any] = aws.client("ecs").describe_services(cluster=CLUSTER, services=[SERVICE])["services"][0]
    return found


def recorded_digest(aws: boto3.session.Session) -> str:
    item = aws.client("dynamodb").get_item(TableName="LiveInsight-releases", Key={"id": {"S": "verified"}})["Item"]
    found = re.search(r'"digest": "(sha256:\w+)"', item["proof"]["S"])
    assert found
    return found[1]


def running_digest(aws: boto3.session.Session) -> str:
    ecs = aws.client("ecs")
    tasks = ecs.list_tasks(cluster=CLUSTER, serviceName=SERVICE)["taskArns"]
    described = ecs.describe_tasks(cluster=CLUSTER, tasks=tasks)["tasks"]
    digests = {task["containers"][0]["imageDigest"] for task in described}
    assert len(digests) == 1, digests
    return str(digests.pop())
