"""Decide what an ECS release has to do: plain values in, plain values out, no call anywhere."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from actions.ecs import Look, ServiceState, Task

NOT_REGISTRABLE = (
    "taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities",
    "registeredAt", "registeredBy", "deregisteredAt",
)  # fmt: skip
EXPECTED_STOPS = ("SpotInterruption", "ServiceSchedulerInitiated", "UserInitiated")
HEALTH_FAILURE = "health checks"  # in the reason of the scheduler's own stops that are failures of the task


class Way(Enum):
    """How the wanted revision gets into service."""

    ALREADY_THERE = "already in service"
    FOLLOW = "its deployment is under way"
    DEPLOY = "deploy"


@dataclass(frozen=True, kw_only=True)
class Rest:
    """What the service returns to when the release fails."""

    revision: str
    count: int
    verified: bool  # the last verified release, rather than what merely was there


def wanted_definition(template: dict[str, Any], family: str, container: str, image: str) -> dict[str, Any]:
    """The arguments of RegisterTaskDefinition: the template with the pinned image, in the family of the releases."""
    definition = {key: value for key, value in template.items() if key not in NOT_REGISTRABLE and _given(value)}
    definition["family"] = family
    definition["containerDefinitions"] = [
        {**entry, "image": image} if entry["name"] == container else entry for entry in template["containerDefinitions"]
    ]
    return definition


def same_content(registered: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether a registered, active revision already is what is wanted."""
    keys = [key for key in wanted if key != "tags"]
    return registered.get("status") == "ACTIVE" and all(registered.get(key) == wanted[key] for key in keys)


def choose_way(state: ServiceState, revision: str) -> Way:
    """By facts only, so that an interrupted release is finished rather than begun again."""
    if state.primary.task_definition != revision or state.primary.rollout == "FAILED":
        return Way.DEPLOY
    return Way.ALREADY_THERE if state.settled else Way.FOLLOW


def choose_rest(
    verified: dict[str, Any] | None, state: ServiceState, inherited: tuple[str, int], template: str
) -> Rest:
    """The last verified release; before the first one, what was in service before anybody began.

    A service that never had a release stands on a template, perhaps one that is gone: it rests on the present one.
    """
    if verified:
        return Rest(revision=verified["task_definition"], count=state.desired or verified["count"], verified=True)
    revision, count = inherited if inherited[0] else (state.primary.task_definition, state.desired)
    if family_of(revision) == family_of(template):
        return Rest(revision=template, count=0, verified=False)
    return Rest(revision=revision, count=count, verified=False)


def failure_of(
    look: Look, deployment_id: str, grace_seconds: float, past: frozenset[str] = frozenset()
) -> tuple[Task, str] | None:
    """The first task of the deployment that failed and why, or None while all may still become well.

    `past`: tasks that had stopped before anybody looked; ECS lists them for an hour.
    """
    for task in look.tasks:
        if task.started_by != deployment_id or task.arn in past:
            continue
        if task.stopped:
            if _failed_stop(task):
                return task, stop_text(task)
            continue
        if task.health == "UNHEALTHY":
            return task, "its container health check fails"
        target = look.target_of(task)
        if target and target.state == "unhealthy" and task.age_seconds > grace_seconds:
            return task, f"its target {target.address} is unhealthy: {target.description or target.reason}"
    return None


def ailments(look: Look) -> dict[str, str]:
    """Task → why its target is unhealthy: ECS's own stopped reason does not say it, and the target is soon gone."""
    pairs = [(task, look.target_of(task)) for task in look.tasks]
    return {
        task.arn: target.description or target.reason
        for task, target in pairs
        if target and target.state == "unhealthy"
    }


def stop_text(task: Task) -> str:
    """Why a task stopped, in ECS's own words."""
    parts = [task.stopped_reason or task.stop_code or "stopped"]
    if task.container_reason:
        parts.append(task.container_reason)
    if task.exit_code is not None:
        parts.append(f"exit code {task.exit_code}")
    return ", ".join(parts)


def progress_line(look: Look, revision: str) -> str:
    """One line that changes only when something happened."""
    new = [task for task in look.tasks_of(revision) if not task.stopped]
    old = [task for task in look.tasks if task.definition != revision and not task.stopped]
    running = sum(1 for task in new if task.status == "RUNNING")
    line = f"{running}/{look.service.desired} running, {look.healthy(revision)} healthy"
    return f"{line}, {len(old)} of the old version left" if old else line


def family_of(arn: str) -> str:
    return arn.rsplit("/", 1)[-1].rsplit(":", 1)[0]


def short(arn: str) -> str:
    """`family:revision` of a task definition."""
    return arn.rsplit("/", 1)[-1]


def by_health(task: Task) -> bool:
    """Whether the scheduler stopped a task because its health checks failed."""
    return HEALTH_FAILURE in task.stopped_reason


def _given(value: Any) -> bool:
    return value is not None and value != "" and value != []


def _failed_stop(task: Task) -> bool:
    """Whether a stop is the task's own failure, not scaling or a lost spot; without a cause yet it is not."""
    if not task.stop_code and task.status != "STOPPED":
        return False
    return by_health(task) or task.stop_code not in EXPECTED_STOPS
