"""Killed anywhere: the next `pulumi up` finishes, users notice nothing, and nothing is left over."""

import os
import signal
from typing import Any

import boto3
import pytest

from tests.cloud.cutting import actions_of, cut, kill_actions
from tests.cloud.liveinsight.test_release_bad import running_digest
from tests.cloud.load import Load
from tests.cloud.project import Project
from tests.waiting import until

ACTION = "actions.release_ecs"
# What `pulumi up` has just printed when it is cut: before anything moved, revision registered, deployment begun,
# new tasks running but unproven, the verification passed but not recorded.
MOMENTS = {
    "preflight": "OK  image",
    "revision": "pinned to",
    "deployment": "deploying",
    "new tasks run": "2/2 running",
    "verified": "verified:",
}


def sampled(*ordinary: str) -> list[Any]:
    """All moments; those that the ordinary run leaves out are marked."""
    return [moment if moment in ordinary else pytest.param(moment, marks=pytest.mark.thorough) for moment in MOMENTS]


@pytest.mark.parametrize("moment", sampled("deployment"))
def test_a_killed_engine_is_mended_by_the_next_up(
    released: Project, aws: boto3.session.Session, other: str, moment: str
) -> None:
    released.set("imageTag", other)
    with Load(released.output("url")) as count:
        cut(released, MOMENTS[moment], lambda engine: os.kill(engine, signal.SIGKILL))
        until(lambda: not actions_of(released, ACTION), "the action ends after its engine died", 120)
        released.run("python", "-m", "ops.unlock", "liveinsight.local")
        released.up()
    assert count.failed == 0, count.answers
    assert_finished(released, aws, other)


@pytest.mark.parametrize("moment", sampled("new tasks run"))
def test_a_killed_action_is_mended_by_the_next_up(
    released: Project, aws: boto3.session.Session, other: str, moment: str
) -> None:
    released.set("imageTag", other)
    with Load(released.output("url")) as count:
        cut(released, MOMENTS[moment], lambda _: kill_actions(released, ACTION))
        released.run("python", "-m", "ops.unlock", "liveinsight.local")
        released.up()
    assert count.failed == 0, count.answers
    assert_finished(released, aws, other)


@pytest.mark.thorough
def test_another_image_can_follow_a_killed_action(released: Project, aws: boto3.session.Session, other: str) -> None:
    """What the killed run had registered is taken away with it."""
    released.set("imageTag", other)
    with Load(released.output("url")) as count:
        cut(released, MOMENTS["deployment"], lambda _: kill_actions(released, ACTION))
        released.run("python", "-m", "ops.unlock", "liveinsight.local")
        released.release("v3")
    assert count.failed == 0, count.answers
    assert_finished(released, aws, "v3")


def test_an_interrupt_undoes_the_release_and_fails(released: Project, aws: boto3.session.Session, other: str) -> None:
    before = released.output("release")
    released.set("imageTag", other)
    with Load(released.output("url")) as count:
        output = cut(released, "2/2 running", lambda engine: os.kill(engine, signal.SIGINT))
    assert "undone: LiveInsight-service is back on" in output, output[-3000:]
    assert count.failed == 0, count.answers
    assert released.output("release") == before
    assert running_digest(aws) == before["digest"]
    assert not actions_of(released, ACTION)


@pytest.mark.thorough
def test_a_second_up_at_the_same_time_is_refused_and_the_first_finishes(released: Project, other: str) -> None:
    released.set("imageTag", other)
    second: list[str] = []
    output = cut(released, "deploying", lambda _: second.append(released.up(check=False).stdout))
    assert "the stack is currently locked" in second[0]
    assert f"released {other}" in output
    assert released.output("release")["image_tag"] == other


def assert_finished(project: Project, aws: boto3.session.Session, tag: str) -> None:
    """The tag is verified and recorded; one deployment, no foreign task, no held lock, no revision nobody needs."""
    proof = project.output("release")
    assert proof["image_tag"] == tag and running_digest(aws) == proof["digest"]
    ecs = aws.client("ecs")
    service = ecs.describe_services(cluster="LiveInsight-cluster", services=["LiveInsight-service"])["services"][0]
    assert len(service["deployments"]) == 1 and service["runningCount"] == service["desiredCount"] == 2
    active = ecs.list_task_definitions(familyPrefix="LiveInsight", status="ACTIVE")["taskDefinitionArns"]
    released = {arn for arn in active if "/LiveInsight:" in arn}
    assert released == {proof["task_definition"], proof["previous"]["task_definition"]}
    lock = aws.client("dynamodb").get_item(TableName="LiveInsight-releases", Key={"id": {"S": "lock"}})["Item"]
    assert lock["expires"]["N"] == "0"
    assert not actions_of(project, ACTION)
