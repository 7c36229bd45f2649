"""Tasks that fail: counted per deployment, held back longer each time, and enough of them trip the circuit breaker."""

from localcloud.aws.ecs import records
from localcloud.aws.ecs.engine import Record, ecs, service_of

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
    reason = "ECS deployment circuit breaker: tasks failed to start."
    rolling_back = underway is not None and underway["status"].startswith("ROLLBACK")
    if breaker.get("rollback") and not rolling_back and records.roll_back(service, reason):
        owner["rolloutStateReason"] = reason
        return
    records.fail(service, reason)
