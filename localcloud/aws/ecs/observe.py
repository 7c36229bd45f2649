"""From MiniStack's records, Docker and the balancer to the planner's `ServiceView`."""

from localcloud.aws.ecs import records
from localcloud.aws.ecs.engine import Record, tasks_of
from localcloud.aws.ecs.state import Health, Phase, ServiceView, TaskView
from localcloud.aws.ecs.targets import Balancer

STARTING = frozenset({"PROVISIONING", "PENDING", "ACTIVATING"})
# A task that nobody checks counts as healthy when it has run this long: a process that dies at start dies sooner.
UNCHECKED_SECONDS = 3.0


def service_view(service: Record, balancer: Balancer, now: float) -> ServiceView:
    """The service as it stands now."""
    configuration = service.get("deploymentConfiguration") or {}
    primary = records.primary(service)
    completed = str(service.get("_completed") or "")
    source = records.deployment(service, completed) if completed != primary["id"] else None
    held = frozenset(name for name, (_, until) in (service.get("_holds") or {}).items() if until > now)
    return ServiceView(
        desired=int(service["desiredCount"]),
        minimum_percent=_percent(configuration, "minimumHealthyPercent", 100),
        maximum_percent=_percent(configuration, "maximumPercent", 200),
        primary=primary["id"],
        rollout=primary["rolloutState"],
        tasks=tuple(_task_view(service, task, balancer, now) for task in alive(service)),
        source=source["id"] if source else "",
        source_desired=int(source["desiredCount"]) if source else 0,
        held=held,
        frozen=bool(service.get("_frozen")),
        draining=service["status"] == "DRAINING",
    )


def alive(service: Record) -> list[Record]:
    """Tasks of the service that are not STOPPED yet."""
    return [task for task in tasks_of(service) if task["lastStatus"] != "STOPPED"]


def phase_of(task: Record) -> Phase:
    """Phase of a task that is not STOPPED."""
    if task["desiredStatus"] == "STOPPED":
        return Phase.STOPPING
    return Phase.STARTING if task["lastStatus"] in STARTING else Phase.RUNNING


def _percent(configuration: Record, key: str, default: int) -> int:
    value = configuration.get(key)
    return default if value is None else int(value)


def _task_view(service: Record, task: Record, balancer: Balancer, now: float) -> TaskView:
    phase = phase_of(task)
    health, reason = (Health.PENDING, "")
    if phase == Phase.RUNNING:
        health, reason = _health(service, task, balancer, now)
    return TaskView(
        arn=task["taskArn"],
        deployment=task.get("_deployment_id") or "",
        phase=phase,
        health=health,
        reason=reason,
        created=float(task.get("_running_at") or now),
    )


def _health(service: Record, task: Record, balancer: Balancer, now: float) -> tuple[Health, str]:
    """Running, container health check passed where defined, and every target group says healthy.

    Within the grace period a failing check means "not yet", as the service asked for.
    """
    age = now - float(task.get("_running_at") or now)
    excused = age < float(service.get("healthCheckGracePeriodSeconds") or 0)
    if task.get("healthStatus") == "UNHEALTHY":
        return (Health.PENDING, "") if excused else (Health.UNHEALTHY, "Task failed container health checks")
    waiting = bool(task.get("_health_checked")) and task.get("healthStatus") != "HEALTHY"
    expected = any(block.get("targetGroupArn") for block in service.get("loadBalancers") or [])
    targets = task.get("_targets")
    if targets is None:  # registered in the next pass
        return Health.PENDING, ""
    for group, address, port in targets:
        seen = balancer.state(group, address, port)
        if seen.state == "unhealthy" and not excused:
            task["_target_trouble"] = (group, port, seen.description or seen.reason)
            return Health.UNHEALTHY, f"Task failed ELB health checks in (target-group {group})"
        waiting = waiting or seen.state != "healthy"
    unchecked = not expected and not task.get("_health_checked")
    if waiting or (unchecked and age < UNCHECKED_SECONDS):
        return Health.PENDING, ""
    return Health.HEALTHY, ""
