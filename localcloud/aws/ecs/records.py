"""Deployments, service deployments and service revisions of a service, kept in its record under private keys.

As in AWS a deployment (`ecs-svc/N`) and its service revision share the number N, so that a rollback returns to the
earlier deployment, whose running tasks still carry its id.
"""

import copy
import secrets
import time

from localcloud.aws.ecs.engine import Record, ecs, in_alarm

EVENTS_KEPT = 100
RUNNING_STATES = frozenset({"PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})
# What a service revision fixes: a change of any of these is a new deployment.
REVISION_FIELDS = (
    "taskDefinition", "launchType", "capacityProviderStrategy", "platformVersion", "platformFamily", "loadBalancers",
    "serviceRegistries", "networkConfiguration", "serviceConnectConfiguration", "volumeConfigurations",
)  # fmt: skip


def announce(service: Record, message: str) -> None:
    """Put a service event first in the list."""
    number = f"{secrets.token_hex(4)}-{secrets.token_hex(2)}-4{secrets.token_hex(2)[1:]}"
    event = {
        "id": f"{number}-a{secrets.token_hex(2)[1:]}-{secrets.token_hex(6)}",
        "createdAt": time.time(),
        "message": f"(service {service['serviceName']}) {message}",
    }
    service["events"] = [event, *service.get("events", [])][:EVENTS_KEPT]


def primary(service: Record) -> Record:
    """The deployment the service is to become."""
    found: Record = next(item for item in service["deployments"] if item["status"] == "PRIMARY")
    return found


def deployment(service: Record, identifier: str) -> Record | None:
    """A deployment the service still shows."""
    return next((item for item in service["deployments"] if item["id"] == identifier), None)


def current(service: Record) -> Record | None:
    """The newest service deployment."""
    listed: list[Record] = service.get("_service_deployments") or []
    return listed[0] if listed else None


def in_progress(service: Record) -> Record | None:
    """The service deployment under way, if any."""
    newest = current(service)
    return newest if newest and newest["status"] in RUNNING_STATES else None


def revision_arn(service: Record, identifier: str) -> str:
    """ARN of the service revision of a deployment."""
    return str(service["serviceArn"]).replace(":service/", ":service-revision/") + "/" + identifier.rpartition("/")[2]


def open_deployment(service: Record) -> Record:
    """Start a new deployment of the service as its record now reads; the one under way is superseded."""
    now = time.time()
    underway = in_progress(service)
    if underway:
        underway.update(
            status="STOPPED", stoppedAt=now, finishedAt=now, updatedAt=now,
            statusReason="The service deployment was stopped because a newer service deployment started.",
        )  # fmt: skip
    for earlier in service["deployments"]:
        earlier["status"] = "ACTIVE"
    identifier = f"ecs-svc/{secrets.randbelow(9 * 10**18) + 10**18}"
    _record_revision(service, identifier, now)
    made = _deployment_record(service, identifier, now)
    service["deployments"].insert(0, made)
    service.setdefault("_service_deployments", []).insert(0, _service_deployment_record(service, identifier, now))
    service["_steady"] = service["_frozen"] = False
    return made


def roll_back(service: Record, reason: str) -> bool:
    """Make the deployment that completed last the primary one again; False when there is none."""
    failing, underway, target = primary(service), in_progress(service), service.get("_completed")
    if underway is None or not target or target == failing["id"]:
        return False
    now = time.time()
    failing.update(status="ACTIVE", rolloutState="FAILED", desiredCount=0, updatedAt=now)
    revision = service["_revisions"][target]
    service.update({field: copy.deepcopy(revision[field]) for field in REVISION_FIELDS if field in revision})
    restored = deployment(service, target)
    if restored is None:
        restored = _deployment_record(service, target, now)
        service["deployments"].insert(0, restored)
    restored.update(
        status="PRIMARY", desiredCount=service["desiredCount"], rolloutState="IN_PROGRESS", updatedAt=now,
        failedTasks=0, rolloutStateReason=f"ECS deployment {target} in progress.",
    )  # fmt: skip
    service["deployments"].sort(key=lambda item: item["status"] != "PRIMARY")
    underway.update(
        status="ROLLBACK_IN_PROGRESS", statusReason=reason, updatedAt=now,
        rollback={"reason": reason, "startedAt": now, "serviceRevisionArn": revision_arn(service, target)},
    )  # fmt: skip
    service["_steady"] = service["_frozen"] = False
    announce(service, f"rolling back to (deployment {target}).")
    return True


def complete(service: Record) -> None:
    """The primary deployment is done: it is what a later rollback returns to."""
    now, done, underway = time.time(), primary(service), in_progress(service)
    done.update(rolloutState="COMPLETED", rolloutStateReason=f"ECS deployment {done['id']} completed.", updatedAt=now)
    service["_completed"] = done["id"]
    if underway:
        rolled_back = underway["status"].startswith("ROLLBACK")
        underway.update(status="ROLLBACK_SUCCESSFUL" if rolled_back else "SUCCESSFUL", finishedAt=now, updatedAt=now)
        for monitor in (underway["deploymentCircuitBreaker"], underway["alarms"]):
            if monitor["status"] == "MONITORING":
                monitor["status"] = "MONITORING_COMPLETE"
    announce(service, f"(deployment {done['id']}) deployment completed.")


def fail(service: Record, reason: str) -> None:
    """The primary deployment is given up, without going back."""
    now, failing, underway = time.time(), primary(service), in_progress(service)
    failing.update(rolloutState="FAILED", rolloutStateReason=reason, updatedAt=now)
    if underway:
        # A rollback that fails in its turn has nowhere left to go.
        status = "ROLLBACK_FAILED" if underway["status"].startswith("ROLLBACK") else "STOPPED"
        underway.update(status=status, statusReason=reason, stoppedAt=now, finishedAt=now, updatedAt=now)


def _record_revision(service: Record, identifier: str, now: float) -> None:
    fixed = {field: copy.deepcopy(service[field]) for field in REVISION_FIELDS if service.get(field)}
    service.setdefault("_revisions", {})[identifier] = {
        "serviceRevisionArn": revision_arn(service, identifier),
        "serviceArn": service["serviceArn"],
        "clusterArn": service["clusterArn"],
        "createdAt": now,
        "guardDutyEnabled": False,
        **fixed,
    }


def _deployment_record(service: Record, identifier: str, now: float) -> Record:
    return {
        "id": identifier,
        "status": "PRIMARY",
        "taskDefinition": service["taskDefinition"],
        "desiredCount": service["desiredCount"],
        "runningCount": 0,
        "pendingCount": 0,
        "failedTasks": 0,
        "launchType": service.get("launchType"),
        "capacityProviderStrategy": service.get("capacityProviderStrategy"),
        "platformVersion": service.get("platformVersion") or None,
        "networkConfiguration": service.get("networkConfiguration") or None,
        "createdAt": now,
        "updatedAt": now,
        "rolloutState": "IN_PROGRESS",
        "rolloutStateReason": f"ECS deployment {identifier} in progress.",
    }


def _service_deployment_record(service: Record, identifier: str, now: float) -> Record:
    configuration = service.get("deploymentConfiguration") or {}
    enabled = (configuration.get("deploymentCircuitBreaker") or {}).get("enable", False)
    alarms = configuration.get("alarms") or {}
    names = list(alarms.get("alarmNames") or [])  # as in AWS, an alarm that fires already says nothing
    completed = service.get("_completed")
    arn = str(service["serviceArn"]).replace(":service/", ":service-deployment/") + "/" + secrets.token_urlsafe(15)
    return {
        "serviceDeploymentArn": arn,
        "serviceArn": service["serviceArn"],
        "clusterArn": service["clusterArn"],
        "createdAt": now,
        "startedAt": now,
        "updatedAt": now,
        "sourceServiceRevisions": [_summary(service, completed)] if completed else [],
        "targetServiceRevision": _summary(service, identifier),
        "status": "IN_PROGRESS",
        "deploymentConfiguration": copy.deepcopy(configuration),
        "deploymentCircuitBreaker": {
            "status": "MONITORING" if enabled else "DISABLED",
            "failureCount": 0,
            "threshold": ecs._circuit_breaker_threshold(service),
        },
        "alarms": {
            "status": "MONITORING" if alarms.get("enable") and not any(map(in_alarm, names)) else "DISABLED",
            "alarmNames": names,
            "triggeredAlarmNames": [],
        },
    }


def _summary(service: Record, identifier: str) -> Record:
    shown = deployment(service, identifier) or {"desiredCount": service["desiredCount"]}
    return {
        "_deployment": identifier,
        "arn": revision_arn(service, identifier),
        "requestedTaskCount": shown["desiredCount"],
        "runningTaskCount": shown.get("runningCount", 0),
        "pendingTaskCount": shown.get("pendingCount", 0),
        "requestedTestTrafficWeight": 0.0,
        "requestedProductionTrafficWeight": 100.0,
    }
