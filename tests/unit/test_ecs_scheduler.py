"""The ECS scheduler's decisions, by tables: what is there, and what is to be done."""

from typing import Any

import pytest

from localcloud.aws.ecs import failures, records
from localcloud.aws.ecs.containers import docker_health_check
from localcloud.aws.ecs.failures import hold_seconds
from localcloud.aws.ecs.planner import plan
from localcloud.aws.ecs.services_api import canonical
from localcloud.aws.ecs.state import (
    Complete,
    Health,
    Phase,
    Retire,
    ServiceView,
    Start,
    Steady,
    Step,
    Stop,
    TaskView,
)

REASON = "Scaling activity initiated by (deployment new)"
LETTERS = {
    "h": (Phase.RUNNING, Health.HEALTHY),
    "p": (Phase.RUNNING, Health.PENDING),
    "s": (Phase.STARTING, Health.PENDING),
    "u": (Phase.RUNNING, Health.UNHEALTHY),
    "x": (Phase.STOPPING, Health.PENDING),
}


def tasks(text: str) -> tuple[TaskView, ...]:
    """`new:hp old:h`: per deployment a letter per task, named by deployment and position."""
    made = []
    for part in text.split():
        deployment, _, letters = part.partition(":")
        for position, letter in enumerate(letters):
            phase, health = LETTERS[letter]
            made.append(
                TaskView(
                    arn=f"{deployment}{position}", deployment=deployment, phase=phase, health=health,
                    reason="bad" if letter == "u" else "", created=float(position),
                )
            )  # fmt: skip
    return tuple(made)


def view(text: str, **changes: object) -> ServiceView:
    """A service of two tasks, rolling from `old` to `new`, unless told otherwise."""
    values: dict[str, object] = {
        "desired": 2, "minimum_percent": 100, "maximum_percent": 200, "primary": "new", "rollout": "IN_PROGRESS",
        "source": "old", "source_desired": 2, "tasks": tasks(text),
    }  # fmt: skip
    return ServiceView(**{**values, **changes})  # type: ignore[arg-type]  # a table's keywords


def stop(*arns: str) -> tuple[Step, ...]:
    return tuple(Stop(arn, REASON) for arn in arns)


HALF = {"minimum_percent": 50, "maximum_percent": 100}
DONE = {"rollout": "COMPLETED", "source": "", "source_desired": 0}


@pytest.mark.parametrize(
    ("there", "changes", "expected"),
    [
        # a rolling update, maximum 200 %: all new ones at once, old ones go as new ones are healthy
        ("old:hh", {}, (Start("new", 2),)),
        ("old:hh new:ss", {}, ()),
        ("old:hh new:pp", {}, ()),
        ("old:hh new:hp", {}, stop("old1")),
        ("old:hx new:hp", {}, ()),
        ("old:hx new:hh", {}, stop("old0")),
        ("old:xx new:hh", {}, ()),
        ("new:hh", {}, (Complete(),)),
        # maximum 100 %, minimum 50 %: one old one makes room, never two
        ("old:hh", HALF, stop("old1")),
        ("old:hx", HALF, (Start("new", 1),)),
        ("old:h new:p", HALF, ()),
        ("old:h new:h", HALF, stop("old0")),
        # minimum 100 % and maximum 100 % leave no way: nothing is stopped
        ("old:hh", {"maximum_percent": 100}, ()),
        # a new task that fails is replaced at once, unless held back; the old ones stay
        ("old:hh new:up", {}, (Stop("new0", "bad", failed=True), Start("new", 1))),
        ("old:hh new:p", {"held": frozenset({"new"})}, ()),
        # an old task that dies under a bad release comes back in its own version
        ("old:h new:pp", {}, (Start("old", 1),)),
        ("new:ss", {"source_desired": 0}, ()),
        # a release superseded by a third one: its tasks that do not serve go first
        ("old:hh mid:pp new:ss", {}, stop("mid0", "mid1")),
        # a rollback: the primary deployment has all its tasks, the failed one's go
        ("new:hh mid:pu", {"source": "", "source_desired": 0}, (Stop("mid1", "bad", failed=True), *stop("mid0"))),
        # given up without rollback: no more starts, nothing healthy is stopped
        ("old:hh new:", {"rollout": "FAILED"}, ()),
        # steady, scale out, scale in (what does not serve first, then the youngest), replacement
        ("new:hh", DONE, (Steady(),)),
        ("new:hh", {**DONE, "desired": 4}, (Start("new", 2),)),
        ("new:hhs", DONE, stop("new2")),
        ("new:hhh", DONE, stop("new2")),
        ("new:phh", DONE, stop("new0")),
        ("new:hu", DONE, (Stop("new1", "bad", failed=True), Start("new", 1))),
        ("new:hx", DONE, (Start("new", 1),)),
        # nothing desired
        ("", {"desired": 0, "source": "", "source_desired": 0}, (Complete(),)),
        ("", {**DONE, "desired": 0}, (Steady(),)),
        ("old:hp", {"desired": 0}, stop("old0", "old1")),
        # a deleted service stops all it has, then is gone; an aborted deployment stays as it is
        ("old:h new:ps", {"draining": True, "desired": 0}, stop("old0", "new0", "new1")),
        ("old:x", {"draining": True, "desired": 0}, ()),
        ("", {"draining": True, "desired": 0}, (Retire(),)),
        ("old:hh new:u", {"frozen": True}, ()),
    ],
)
def test_plan(there: str, changes: dict[str, object], expected: tuple[Step, ...]) -> None:
    assert plan(view(there, **changes)) == expected


@pytest.mark.parametrize("desired", range(1, 8))
@pytest.mark.parametrize(("minimum", "maximum"), [(100, 200), (50, 100), (50, 150), (0, 100), (75, 125), (100, 150)])
def test_rollout_ends_and_keeps_its_limits(desired: int, minimum: int, maximum: int) -> None:
    """A simulated rollout, one health change per round, keeps minimum and maximum at every moment."""
    state = {f"old{n}": "h" for n in range(desired)}
    if desired * maximum // 100 <= desired and -(-desired * minimum // 100) >= desired:
        old = "old:" + "h" * desired  # limits that allow no step: nothing is stopped to get there
        assert plan(view(old, desired=desired, minimum_percent=minimum, maximum_percent=maximum)) == ()
        return
    for round_number in range(100):
        text = " ".join(
            f"{kind}:{''.join(v for k, v in state.items() if k.startswith(kind))}" for kind in ("old", "new")
        )
        names = [name for kind in ("old", "new") for name in state if name.startswith(kind)]
        listed = dict(zip([task.arn for task in tasks(text)], names, strict=True))
        changes = {"minimum_percent": minimum, "maximum_percent": maximum, "source_desired": desired}
        steps = plan(view(text, desired=desired, **changes))
        if steps == (Complete(),):
            assert set(state) and all(name.startswith("new") for name in state)
            return
        for step in steps:
            if isinstance(step, Stop):
                del state[listed[step.arn]]
            elif isinstance(step, Start):
                state.update({f"{step.deployment}-{round_number}-{n}": "p" for n in range(step.count)})
        assert sum(value == "h" for value in state.values()) >= -(-desired * minimum // 100)
        assert len(state) <= max(desired, desired * maximum // 100)
        waiting = next((name for name, value in state.items() if value == "p"), None)
        if waiting:
            state[waiting] = "h"
    pytest.fail(f"no end: {state}")


def test_pauses_grow_to_a_ceiling() -> None:
    assert [hold_seconds(number) for number in (1, 2, 3, 4, 30)] == [0.5, 1.0, 2.0, 4.0, 300.0]


def test_health_check_in_dockers_units() -> None:
    check = docker_health_check({"command": ["CMD", "/app", "probe"], "interval": 5})
    assert check["interval"] == 5_000_000_000
    assert (check["timeout"], check["retries"], check["start_period"]) == (5_000_000_000, 3, 0)


def rolled_out(**configuration: Any) -> dict[str, Any]:
    """A service whose first deployment is complete and whose second is under way."""
    arn = "arn:aws:ecs:us-east-1:000000000000"
    service: dict[str, Any] = {
        "serviceName": "s", "serviceArn": f"{arn}:service/c/s", "clusterArn": f"{arn}:cluster/c", "status": "ACTIVE",
        "taskDefinition": "d:1", "desiredCount": 2, "deployments": [], "events": [],
        "deploymentConfiguration": configuration,
    }  # fmt: skip
    records.open_deployment(service)
    records.complete(service)
    service["taskDefinition"] = "d:2"
    records.open_deployment(service)
    return service


def test_rollback_returns_to_the_completed_deployment() -> None:
    service = rolled_out()
    new, old = service["deployments"]
    assert (new["status"], old["status"]) == ("PRIMARY", "ACTIVE")
    assert records.roll_back(service, "because")
    assert service["deployments"] == [old, new]
    assert (old["status"], old["rolloutState"], new["rolloutState"]) == ("PRIMARY", "IN_PROGRESS", "FAILED")
    assert (service["taskDefinition"], new["desiredCount"]) == ("d:1", 0)
    assert service["_service_deployments"][0]["status"] == "ROLLBACK_IN_PROGRESS"
    assert not records.roll_back(service, "again")
    records.complete(service)
    assert [item["status"] for item in service["_service_deployments"]] == ["ROLLBACK_SUCCESSFUL", "SUCCESSFUL"]


def test_newer_deployment_stops_the_older() -> None:
    service = rolled_out()
    records.open_deployment(service)
    statuses = [item["status"] for item in service["_service_deployments"]]
    assert statuses == ["IN_PROGRESS", "STOPPED", "SUCCESSFUL"]
    assert [item["status"] for item in service["deployments"]] == ["PRIMARY", "ACTIVE", "ACTIVE"]


def test_nothing_to_go_back_to() -> None:
    service = rolled_out()
    service["_completed"] = None
    assert not records.roll_back(service, "because")


@pytest.mark.parametrize(
    ("breaker", "failed", "rollout", "deployment"),
    [
        ({}, 5, "IN_PROGRESS", "IN_PROGRESS"),
        ({"enable": True, "rollback": False}, 2, "IN_PROGRESS", "IN_PROGRESS"),
        ({"enable": True, "rollback": False}, 3, "FAILED", "STOPPED"),
        ({"enable": True, "rollback": True}, 3, "FAILED", "ROLLBACK_IN_PROGRESS"),
    ],
)
def test_circuit_breaker(
    monkeypatch: pytest.MonkeyPatch, breaker: dict[str, bool], failed: int, rollout: str, deployment: str
) -> None:
    service = rolled_out(deploymentCircuitBreaker=breaker)
    monkeypatch.setattr(failures, "service_of", lambda task: service)
    new = service["deployments"][0]
    for _ in range(failed):
        failures.record({"_deployment_id": new["id"]}, now=0.0)
    assert (new["failedTasks"], new["rolloutState"]) == (failed, rollout)
    assert service["_service_deployments"][0]["status"] == deployment
    assert service["_holds"][new["id"]][0] == failed


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"subnets": ["b", "a"], "assignPublicIp": "DISABLED"}, {"subnets": ["a", "b"], "securityGroups": []}, True),
        ({"subnets": ["a"]}, {"subnets": ["b"]}, False),
        ("LATEST", "", True),
        ([{"containerPort": 80}], [{"containerPort": 81}], False),
    ],
)
def test_same_configuration(one: Any, other: Any, same: bool) -> None:
    assert (canonical(one) == canonical(other)) is same
