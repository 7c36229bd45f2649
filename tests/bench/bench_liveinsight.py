"""Speed of LiveInsight as ratios within one run: `make bench`. The limits are the project's own promises.

Ratios, because a slow machine slows both sides.
"""

from pathlib import Path

import boto3

from tests.bench.ratios import report, report_preview, seconds, until_verified
from tests.cloud.liveinsight.conftest import push_image
from tests.cloud.project import Project

START_SECONDS = 2.0  # the sample application's slow start
INTERVAL_SECONDS, THRESHOLD = 5, 2  # the health check of the test stack
NAMES = {"cluster": "LiveInsight-cluster", "service": "LiveInsight-service"}


def test_preview_of_an_unchanged_stack(released: Project, tmp_path: Path) -> None:
    report_preview(released, tmp_path)


def test_good_and_failing_release(released: Project, other: str, aws: boto3.session.Session) -> None:
    released.set("imageTag", other)
    good = until_verified(released)
    proof = released.output("release")
    ecs = aws.client("ecs")
    tasks = ecs.describe_tasks(
        cluster=NAMES["cluster"],
        tasks=ecs.list_tasks(cluster=NAMES["cluster"], serviceName=NAMES["service"])["taskArns"],
    )["tasks"]
    started = max((task["startedAt"] - task["createdAt"]).total_seconds() for task in tasks) + START_SECONDS
    path = started + THRESHOLD * INTERVAL_SECONDS + proof["seconds"]["verify"]
    print(f"\nsteps of the good release: {proof['seconds']}, longest gap {proof['probe']['longest_gap']} s")
    released.set("imageTag", "crash")
    failing = seconds(lambda: released.up(check=False))
    waiter = update_and_wait(released, aws)
    report("release, against its critical path", good, path, 1.25)
    report("release, against update-service and services-stable", good, waiter, 1.0)
    report("failing release, against a good one", failing, good, 2.0)


def update_and_wait(project: Project, aws: boto3.session.Session) -> float:
    """The obvious way: move the service to the previous revision and wait as the AWS CLI does, every 15 s."""
    ecs = aws.client("ecs")
    previous = project.output("release")["previous"]["task_definition"]

    def work() -> None:
        ecs.update_service(**NAMES, taskDefinition=previous)
        ecs.get_waiter("services_stable").wait(cluster=NAMES["cluster"], services=[NAMES["service"]])

    return seconds(work)


def test_image_push_is_not_part_of_a_release(released: Project) -> None:
    """For scale: what building and pushing a version costs beside its release."""
    print(f"\nbuild and push of one version: {seconds(lambda: push_image(released, 'v9')):.1f} s")
