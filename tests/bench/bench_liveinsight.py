"""Speed of LiveInsight as ratios within one run: `make bench`. The limits are the project's own promises.

Ratios, because a slow machine slows both sides.
"""

import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import boto3

from tests.cloud.liveinsight.conftest import push_image
from tests.cloud.project import Project

RUNS = 5
START_SECONDS = 2.0  # the sample application's slow start
INTERVAL_SECONDS, THRESHOLD = 5, 2  # the health check of the test stack
NAMES = {"cluster": "LiveInsight-cluster", "service": "LiveInsight-service"}

EMPTY = {"Pulumi.yaml": "name: empty\nruntime: python\n", "__main__.py": ""}


def seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def report(what: str, measured: float, against: float, limit: float) -> None:
    print(f"\n{what}: {measured:.2f} s against {against:.2f} s = {measured / against:.2f} (limit {limit})")
    assert measured <= limit * against


def empty_project(project: Project, home: Path) -> Callable[[], object]:
    for name, text in EMPTY.items():
        (home / name).write_text(text)

    def pulumi(*arguments: str) -> object:
        command = ["pulumi", *arguments, "--non-interactive"]
        return subprocess.run(command, cwd=home, env=project.environment, check=True, capture_output=True)

    pulumi("stack", "init", "empty")
    return lambda: pulumi("preview")


def test_preview_of_an_unchanged_stack(released: Project, tmp_path: Path) -> None:
    empty = empty_project(released, tmp_path)
    ours, theirs = [], []
    for _ in range(RUNS + 1):
        ours.append(seconds(lambda: released.pulumi("preview")))
        theirs.append(seconds(empty))
    shutil.rmtree(tmp_path)
    report("preview, against an empty program", statistics.median(ours[1:]), statistics.median(theirs[1:]), 2.5)


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


def until_verified(project: Project) -> float:
    """Seconds from the start of `pulumi up` to the line that says verified."""
    began = time.monotonic()
    verified = 0.0
    with project.start("up", "--yes", "--skip-preview") as process:
        for line in process.stdout or ():
            if "verified:" in line and not verified:
                verified = time.monotonic() - began
    assert verified and process.returncode == 0
    return verified


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
