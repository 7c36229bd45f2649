"""What an ECS release decides, as tables of plain values."""

from typing import Any

import pytest

from actions.ecs import Deployment, Look, ServiceState, Target, Task
from actions.plan_ecs import (
    Rest,
    Way,
    choose_rest,
    choose_way,
    failure_of,
    progress_line,
    same_content,
    wanted_definition,
)

PREFIX = "arn:aws:ecs:us-east-1:000000000000:task-definition"
OLDER_TEMPLATE, TEMPLATE, OLD, NEW = (
    f"{PREFIX}/App-template:1",
    f"{PREFIX}/App-template:2",
    f"{PREFIX}/App:1",
    f"{PREFIX}/App:2",
)


def deployment(revision: str, *, primary: bool = True, rollout: str = "COMPLETED") -> Deployment:
    return Deployment(
        id=f"ecs-svc/{revision[-1]}",
        primary=primary,
        task_definition=revision,
        rollout=rollout,
        reason="",
    )


def state(*deployments: Deployment, desired: int = 2) -> ServiceState:
    return ServiceState(status="ACTIVE", desired=desired, deployments=deployments)


def task(revision: str = NEW, **changed: Any) -> Task:
    values: dict[str, Any] = {
        "arn": "arn:aws:ecs:us-east-1:000000000000:task/c/abcdef0123456789",
        "started_by": f"ecs-svc/{revision[-1]}",
        "definition": revision,
        "status": "RUNNING",
        "address": "10.0.0.1",
        "digest": "sha256:1",
        "health": "UNKNOWN",
        "age_seconds": 30.0,
    }
    return Task(**{**values, "leaving": "stop_code" in changed, **changed})


def target(health: str, address: str = "10.0.0.1", description: str = "") -> Target:
    return Target(address=address, state=health, reason="", description=description)


def look(tasks: tuple[Task, ...], targets: tuple[Target, ...] = ()) -> Look:
    return Look(service=state(deployment(NEW, rollout="IN_PROGRESS")), tasks=tasks, targets=targets)


@pytest.mark.parametrize(
    ("service", "way"),
    [
        (state(deployment(OLD)), Way.DEPLOY),
        (state(deployment(NEW)), Way.ALREADY_THERE),
        (state(deployment(NEW), desired=1), Way.ALREADY_THERE),
        (state(deployment(NEW, rollout="IN_PROGRESS"), deployment(OLD, primary=False)), Way.FOLLOW),
        (state(deployment(NEW), deployment(OLD, primary=False)), Way.FOLLOW),
        (state(deployment(NEW, rollout="FAILED"), deployment(OLD, primary=False)), Way.DEPLOY),
    ],
)
def test_the_way_follows_from_what_is_in_service(service: ServiceState, way: Way) -> None:
    assert choose_way(service, NEW) is way


@pytest.mark.parametrize(
    ("verified", "service", "inherited", "rest"),
    [
        (None, state(deployment(TEMPLATE), desired=0), ("", 0), Rest(revision=TEMPLATE, count=0, verified=False)),
        (None, state(deployment(OLDER_TEMPLATE), desired=0), ("", 0), Rest(revision=TEMPLATE, count=0, verified=False)),
        (None, state(deployment(NEW)), (TEMPLATE, 0), Rest(revision=TEMPLATE, count=0, verified=False)),
        (None, state(deployment(OLD)), ("", 0), Rest(revision=OLD, count=2, verified=False)),
        (
            {"task_definition": OLD, "count": 3},
            state(deployment(NEW), desired=0),
            (NEW, 1),
            Rest(revision=OLD, count=3, verified=True),
        ),
        (
            {"task_definition": OLD, "count": 3},
            state(deployment(NEW), desired=5),
            ("", 0),
            Rest(revision=OLD, count=5, verified=True),
        ),
    ],
)
def test_rest_is_the_last_verified_release_or_what_was_there_before_anybody_began(
    verified: dict[str, Any] | None, service: ServiceState, inherited: tuple[str, int], rest: Rest
) -> None:
    assert choose_rest(verified, service, inherited, TEMPLATE) == rest


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (look((task(),), (target("initial"),)), None),
        (look((task(age_seconds=5.0),), (target("unhealthy"),)), None),
        (
            look((task(),), (target("unhealthy", description="Health checks failed with these codes: [500]"),)),
            "its target 10.0.0.1 is unhealthy: Health checks failed with these codes: [500]",
        ),
        (look((task(health="UNHEALTHY"),)), "its container health check fails"),
        (
            look(
                (task(stop_code="EssentialContainerExited", stopped_reason="Essential container exited", exit_code=1),)
            ),
            "Essential container exited, exit code 1",
        ),
        (
            look((task(stop_code="TaskFailedToStart", stopped_reason="CannotPullContainerError: no such image"),)),
            "CannotPullContainerError: no such image",
        ),
        (
            look(
                (
                    task(
                        stop_code="EssentialContainerExited",
                        stopped_reason="Essential container in task exited",
                        container_reason="OutOfMemoryError: Container killed due to memory usage",
                        exit_code=137,
                    ),
                )
            ),
            "Essential container in task exited, OutOfMemoryError: Container killed due to memory usage, exit code 137",
        ),
        (look((task(stop_code="SpotInterruption", stopped_reason="Your Spot Task was interrupted."),)), None),
        (
            look((task(stop_code="ServiceSchedulerInitiated", stopped_reason="Task failed ELB health checks in (x)"),)),
            "Task failed ELB health checks in (x)",
        ),
        (look((task(OLD, stop_code="EssentialContainerExited"),)), None),
    ],
)
def test_the_first_sign_of_failure_is_the_reason(seen: Look, reason: str | None) -> None:
    found = failure_of(seen, "ecs-svc/2", grace_seconds=15)
    assert (found[1] if found else None) == reason


def test_a_wanted_definition_is_the_template_with_the_pinned_image_in_the_release_family() -> None:
    template = {
        "taskDefinitionArn": TEMPLATE,
        "revision": 1,
        "status": "ACTIVE",
        "family": "App-template",
        "cpu": "256",
        "volumes": [],
        "containerDefinitions": [{"name": "app", "image": "r:unreleased"}, {"name": "sidecar", "image": "s:1"}],
    }
    wanted = wanted_definition(template, "App", "app", "r@sha256:1")
    assert wanted == {
        "family": "App",
        "cpu": "256",
        "containerDefinitions": [{"name": "app", "image": "r@sha256:1"}, {"name": "sidecar", "image": "s:1"}],
    }
    assert same_content({**wanted, "status": "ACTIVE", "revision": 7}, wanted)
    assert not same_content({**wanted, "status": "INACTIVE"}, wanted)
    assert not same_content({**wanted, "status": "ACTIVE", "cpu": "512"}, wanted)


def test_progress_counts_new_healthy_and_old_tasks() -> None:
    seen = look((task(), task(address="10.0.0.2"), task(OLD)), (target("healthy"), target("initial", "10.0.0.2")))
    assert progress_line(seen, NEW) == "2/2 running, 1 healthy, 1 of the old version left"
