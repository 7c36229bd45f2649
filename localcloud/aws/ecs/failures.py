"""Tasks that fail: counted per deployment, held back longer each time, and enough of them trip the circuit breaker."""

from localcloud.aws.ecs import records
from localcloud.aws.ecs.engine import Record, ecs, in_alarm, service_of

HOLD_CEILING_SECONDS = 300.0


def record(task: Record, now: float) -> None:
    """Account for one failed task of a service; tasks outside services have nothing to account to."""
    service = service_of(task)
    if service is None or service.get("status") != "ACTIVE":
        return
    identifier = str(task.get("_deployment_id") or "")
    owner = records.deployment(service, identifier)
    if owner is None or task.get("_failure_counted"):
        return
    task["_failure_counted"] = True
    service["_steady"] = False
    if not task.get("_was_healthy"):
        hold(service, identifier, now)
    if owner["status"] != "PRIMARY" or owner["rolloutState"] != "IN_PROGRESS":
        return
    owner["failedTasks"] = int(owner.get("failedTasks") or 0) + 1
    owner["updatedAt"] = now
    _judge(service, owner)


def hold(service: Record, identifier: str, now: float) -> None:
    """Wait before the next start of this deployment: half a second first, twice as long each time."""
    holds = service.setdefault("_holds", {})
    failed = holds.get(identifier, (0, 0.0))[0] + 1
    holds[identifier] = (failed, now + hold_seconds(failed))
    if failed in (8, 16):
        records.announce(service, "is unable to consistently start tasks successfully.")


def hold_seconds(failed: int) -> float:
    """The pause after so many failures in a row."""
    return float(min(HOLD_CEILING_SECONDS, 0.5 * 2.0 ** min(failed - 1, 20)))


def forgive(service: Record, identifier: str) -> None:
    """A healthy task of the deployment: start over with counting."""
    (service.get("_holds") or {}).pop(identifier, None)
    owner = records.deployment(service, identifier)
    breaker = (service.get("deploymentConfiguration") or {}).get("deploymentCircuitBreaker") or {}
    if owner and owner["rolloutState"] == "IN_PROGRESS" and breaker.get("resetOnHealthyTask", True):
        owner["failedTasks"] = 0


def _judge(service: Record, owner: Record) -> None:
    """Trip the breaker when it is on and the deployment has failed often enough."""
    breaker = (service.get("deploymentConfiguration") or {}).get("deploymentCircuitBreaker") or {}
    underway = records.in_progress(service)
    monitor = underway["deploymentCircuitBreaker"] if underway else {}
    monitor["failureCount"] = owner["failedTasks"]
    if not breaker.get("enable") or owner["failedTasks"] < ecs._circuit_breaker_threshold(service):
        return
    monitor["status"] = "TRIGGERED"
    records.announce(service, f"(deployment {owner['id']}) deployment failed: tasks failed to start.")
    _give_up(service, "ECS deployment circuit breaker: tasks failed to start.", bool(breaker.get("rollback")))


def heed_alarms(service: Record) -> None:
    """End the rollout under way when one of the service's deployment alarms fires."""
    wanted = (service.get("deploymentConfiguration") or {}).get("alarms") or {}
    underway = records.in_progress(service)
    if underway is None or underway["status"] != "IN_PROGRESS" or underway["alarms"]["status"] != "MONITORING":
        return
    firing = [name for name in wanted.get("alarmNames") or [] if in_alarm(name)]
    if firing:
        underway["alarms"].update(status="TRIGGERED", triggeredAlarmNames=firing)
        owner = records.primary(service)
        records.announce(service, f"(deployment {owner['id']}) deployment failed: alarm detected.")
        _give_up(service, "ECS deployment alarms: alarm detected.", bool(wanted.get("rollback")))


def _give_up(service: Record, reason: str, back: bool) -> None:
    """Return to the deployment that completed last, where that is wanted and there is one; else only stop trying."""
    failing, underway = records.primary(service), records.in_progress(service)
    rolling_back = underway is not None and underway["status"].startswith("ROLLBACK")
    if back and not rolling_back and records.roll_back(service, reason):
        failing["rolloutStateReason"] = reason
        return
    records.fail(service, reason)
