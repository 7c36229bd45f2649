"""A good release: seen in the preview, performed without a failed request, proven."""

import json

import boto3
import requests

from tests.cloud.load import Load
from tests.cloud.project import Project


def test_preview_shows_a_release_on_one_resource_and_changes_nothing(released: Project, now: str, other: str) -> None:
    released.set("imageTag", other)
    text = released.pulumi("preview", "--diff").stdout
    steps = json.loads(released.pulumi("preview", "--json").stdout)["steps"]
    changed = [step for step in steps if step["op"] != "same"]
    assert [step["urn"].rsplit("::", 1)[1] for step in changed] == ["liveinsight-release"], changed
    shown = next(line for line in text.splitlines() if "IMAGE" in line)
    assert f"liveinsight-app:{now}" in shown and f"liveinsight-app:{other}" in shown and "=>" in shown
    assert requests.get(released.output("url"), timeout=5).headers["X-Version"] == now


def test_a_release_under_load_fails_no_request_and_its_proof_agrees(released: Project, now: str, other: str) -> None:
    url = released.output("url")
    before = released.output("release")
    with Load(url) as count, Load(f"{url}/slow?seconds=3", rate=4, workers=12) as slow:
        done = released.release(other)
    assert slow.failed == 0 and slow.total > 30, slow.answers  # in flight on tasks that are taken out: drained, not cut
    proof = released.output("release")
    assert count.failed == 0, count.answers
    assert count.rate >= 50
    assert set(count.versions) == {now, other}
    assert proof["probe"]["failures"] == 0
    assert [seen["version"] for seen in proof["probe"]["versions"]] == [now, other]
    assert proof["image_tag"] == other and proof["previous"]["digest"] == before["digest"]
    assert proof["verification"]["running_digests"] == [proof["digest"]]
    assert "2/2 running, 2 healthy" in done.stdout


def test_nothing_changed_means_nothing_runs(released: Project, aws: boto3.session.Session) -> None:
    before = released.output("release")
    done = released.up("--expect-no-changes")
    assert "unchanged" in done.stdout
    assert released.output("release") == before


def test_an_image_changed_by_hand_shows_in_a_refreshing_preview_and_up_sets_it_back(
    released: Project, aws: boto3.session.Session, now: str
) -> None:
    ecs = aws.client("ecs")
    cluster, service = "LiveInsight-cluster", "LiveInsight-service"
    mine = ecs.describe_services(cluster=cluster, services=[service])["services"][0]["taskDefinition"]
    definition = ecs.describe_task_definition(taskDefinition=mine)["taskDefinition"]
    by_hand = ecs.register_task_definition(
        family="LiveInsight",
        networkMode=definition["networkMode"],
        requiresCompatibilities=definition["requiresCompatibilities"],
        cpu=definition["cpu"],
        memory=definition["memory"],
        executionRoleArn=definition["executionRoleArn"],
        containerDefinitions=[
            {**definition["containerDefinitions"][0], "image": f"{released.output('repositoryUrl')}:v3"}
        ],
    )["taskDefinition"]["taskDefinitionArn"]
    quiet = released.pulumi("preview", "--refresh", "--diff").stdout
    assert ":v3" not in quiet
    ecs.update_service(cluster=cluster, service=service, taskDefinition=by_hand)
    shown = released.pulumi("preview", "--refresh", "--diff").stdout
    assert "liveinsight-running" in shown and ":v3" in shown
    with Load(released.output("url")) as count:
        done = released.up()
    assert f"released {now}" in done.stdout
    assert count.failed == 0, count.answers
    assert ecs.describe_services(cluster=cluster, services=[service])["services"][0]["taskDefinition"] == mine
    released.up("--expect-no-changes")
    ecs.deregister_task_definition(taskDefinition=by_hand)
