"""The ECS service scheduler's decisions for the rolling update, as one pure function: `plan`."""

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


def plan(view: ServiceView) -> tuple[Step, ...]:
    """The steps that bring the service closer to its desired state; empty when it can only wait."""
    if view.draining:
        return _drain(view)
    if view.frozen:
        return ()
    failed = tuple(task for task in view.tasks if task.phase != Phase.STOPPING and task.health == Health.UNHEALTHY)
    live = tuple(task for task in view.tasks if task.phase != Phase.STOPPING and task.health != Health.UNHEALTHY)
    steps: list[Step] = [Stop(task.arn, task.reason, failed=True) for task in failed]
    steps += _scale_in(view, live)
    steps += _launch(view, live)
    steps += _replace(view, live)
    return tuple(steps) or _rest(view)


def scaling_reason(deployment: str) -> str:
    """AWS's stopped reason for a task that is no longer wanted."""
    return f"Scaling activity initiated by (deployment {deployment})"


def lower_limit(view: ServiceView) -> int:
    """Healthy tasks that have to stay: minimumHealthyPercent of the desired count, rounded up."""
    return -(-view.desired * view.minimum_percent // 100)


def upper_limit(view: ServiceView) -> int:
    """Tasks that may exist at once: maximumPercent of the desired count, rounded down."""
    return view.desired * view.maximum_percent // 100


def _drain(view: ServiceView) -> tuple[Step, ...]:
    reason = scaling_reason(view.primary)
    stops = tuple(Stop(task.arn, reason) for task in view.tasks if task.phase != Phase.STOPPING)
    return stops if view.tasks else (Retire(),)


def _scale_in(view: ServiceView, live: tuple[TaskView, ...]) -> list[Step]:
    """Primary tasks beyond the desired count: those that do not serve yet first, then the youngest."""
    new = [task for task in live if task.deployment == view.primary]
    ordered = sorted(new, key=lambda task: (task.health == Health.HEALTHY, -task.created))
    return [Stop(task.arn, scaling_reason(view.primary)) for task in ordered[: max(0, len(new) - view.desired)]]


def _wanted(view: ServiceView, live: tuple[TaskView, ...]) -> int:
    if view.rollout == "FAILED":
        return 0
    return max(0, view.desired - sum(task.deployment == view.primary for task in live))


def _launch(view: ServiceView, live: tuple[TaskView, ...]) -> list[Step]:
    """New tasks within maximumPercent.

    The deployment that completed last keeps its own capacity while the new one is not there yet: a task of it that
    died is replaced by the same version, or a bad release would eat the good one.
    """
    room = max(0, upper_limit(view) - len(live))
    old = sum(task.deployment != view.primary for task in live)
    healthy_new = sum(task.deployment == view.primary and task.health == Health.HEALTHY for task in live)
    owed = min(lower_limit(view), view.source_desired) - healthy_new - old
    steps: list[Step] = []
    for deployment, count in ((view.source, owed), (view.primary, _wanted(view, live))):
        count = min(count, room)
        if deployment and count > 0 and deployment not in view.held:
            steps.append(Start(deployment, count))
            room -= count
    return steps


def _replace(view: ServiceView, live: tuple[TaskView, ...]) -> list[Step]:
    """Old tasks that new healthy ones make superfluous.

    While maximumPercent leaves room for the new tasks, the full desired count stays healthy; only without that room
    capacity falls, and never below minimumHealthyPercent.
    """
    old = [task for task in live if task.deployment != view.primary]
    healthy_new = sum(task.deployment == view.primary and task.health == Health.HEALTHY for task in live)
    room = upper_limit(view) - len(live)
    floor = view.desired if room >= _wanted(view, live) else min(view.desired, lower_limit(view))
    keep = max(0, floor - healthy_new)
    old.sort(key=lambda task: (task.health != Health.HEALTHY, task.deployment != view.source, task.created))
    return [Stop(task.arn, scaling_reason(view.primary)) for task in old[keep:]]


def _rest(view: ServiceView) -> tuple[Step, ...]:
    new = [task for task in view.tasks if task.deployment == view.primary and task.phase != Phase.STOPPING]
    if len(new) != view.desired or any(task.health != Health.HEALTHY for task in new):
        return ()
    if any(task.deployment != view.primary for task in view.tasks):
        return ()
    if view.rollout == "IN_PROGRESS":
        return (Complete(),)
    return (Steady(),) if len(view.tasks) == view.desired and view.rollout == "COMPLETED" else ()
