"""ListServiceDeployments, DescribeServiceDeployments, DescribeServiceRevisions, StopServiceDeployment."""

import time

from localcloud.aws.ecs import records
from localcloud.aws.ecs.engine import Record, Response, ecs, refuse, reply
from localcloud.aws.ecs.scheduler import Scheduler

BRIEF = (
    "serviceDeploymentArn", "serviceArn", "clusterArn", "startedAt", "createdAt", "finishedAt", "status",
    "statusReason",
)  # fmt: skip
STOPPABLE = frozenset({"PENDING", "IN_PROGRESS"})
PAGE = 100


class DeploymentsApi:
    """Handlers in place of MiniStack's empty ones, under the scheduler's lock."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def list_service_deployments(self, data: Record) -> Response:
        """Newest first, filtered by status and creation time, in pages."""
        with self._scheduler.lock:
            cluster = ecs._resolve_cluster_name(data.get("cluster") or "default")
            reference = ecs._resolve_service_ref(data.get("service", ""))
            if cluster not in ecs._clusters:
                return refuse("ClusterNotFoundException", "Cluster not found.")
            service = ecs._services.get(f"{cluster}/{reference[0]}") if reference else None
            if service is None:
                return refuse("ServiceNotFoundException", "Service not found.")
            wanted = [item for item in service.get("_service_deployments") or [] if _matches(item, data)]
            start = int(data.get("nextToken") or 0)
            stop = start + int(data.get("maxResults") or PAGE)
            answer: Record = {"serviceDeployments": [_brief(item) for item in wanted[start:stop]]}
            if stop < len(wanted):
                answer["nextToken"] = str(stop)
            return reply(answer)

    def describe_service_deployments(self, data: Record) -> Response:
        """The service deployments asked for; unknown ones are failures with reason MISSING."""
        with self._scheduler.lock:
            found, missing = [], []
            for arn in data.get("serviceDeploymentArns") or []:
                _, item = _lookup(arn)
                if item is None:
                    missing.append({"arn": arn, "reason": "MISSING"})
                else:
                    found.append(ecs._sanitize(item))
            return reply({"serviceDeployments": found, "failures": missing})

    def describe_service_revisions(self, data: Record) -> Response:
        """The service revisions asked for; unknown ones are failures with reason MISSING."""
        with self._scheduler.lock:
            known = {
                revision["serviceRevisionArn"]: revision
                for service in list(ecs._services.values())
                for revision in (service.get("_revisions") or {}).values()
            }
            arns = data.get("serviceRevisionArns") or []
            return reply(
                {
                    "serviceRevisions": [ecs._sanitize(known[arn]) for arn in arns if arn in known],
                    "failures": [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in known],
                }
            )

    def stop_service_deployment(self, data: Record) -> Response:
        """ROLLBACK (the default) returns to the revision that completed last; ABORT leaves everything as it is."""
        arn, kind = data.get("serviceDeploymentArn", ""), data.get("stopType") or "ROLLBACK"
        if kind not in ("ROLLBACK", "ABORT"):
            return refuse("InvalidParameterException", f"stopType must be ROLLBACK or ABORT, not {kind}.")
        with self._scheduler.lock:
            service, item = _lookup(arn)
            if service is None or item is None:
                return refuse("ServiceDeploymentNotFoundException", "The service deployment was not found.")
            if item["status"] not in STOPPABLE:
                return refuse("ConflictException", f"The service deployment is {item['status']} and cannot be stopped.")
            if kind == "ABORT":
                _abort(service, item)
            elif not records.roll_back(service, "Service deployment was stopped by the user."):
                return refuse(
                    "ConflictException", "There is no completed service revision that the service could return to."
                )
        self._scheduler.wake()
        return reply({"serviceDeploymentArn": arn})


def _abort(service: Record, item: Record) -> None:
    now = time.time()
    item.update(status="STOPPED", stoppedAt=now, finishedAt=now, updatedAt=now)
    item["statusReason"] = "Service deployment was aborted by the user."
    service["_frozen"] = True
    records.announce(service, f"(deployment {records.primary(service)['id']}) deployment stopped.")


def _lookup(arn: str) -> tuple[Record | None, Record | None]:
    for service in list(ecs._services.values()):
        for item in service.get("_service_deployments") or []:
            if item["serviceDeploymentArn"] == arn:
                return service, item
    return None, None


def _brief(item: Record) -> Record:
    shown: Record = ecs._sanitize({key: item[key] for key in BRIEF if key in item})
    shown["targetServiceRevisionArn"] = item["targetServiceRevision"]["arn"]
    return shown


def _matches(item: Record, data: Record) -> bool:
    created, statuses = data.get("createdAt") or {}, data.get("status") or []
    if statuses and item["status"] not in statuses:
        return False
    after, before = float(created.get("after") or 0), float(created.get("before") or "inf")
    return bool(after <= item["createdAt"] <= before)
