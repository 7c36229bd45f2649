"""The numbers a service shows: running and pending tasks, by deployment and in all."""

from collections import Counter

from localcloud.aws.ecs import observe, records
from localcloud.aws.ecs.engine import Record, ecs
from localcloud.aws.ecs.state import Phase


def refresh(service: Record) -> None:
    """Count again, and drop deployments that have neither tasks nor a future."""
    tasks = observe.alive(service)
    running = Counter(task.get("_deployment_id") for task in tasks if task["lastStatus"] == "RUNNING")
    pending = Counter(task.get("_deployment_id") for task in tasks if observe.phase_of(task) == Phase.STARTING)
    present = {task.get("_deployment_id") for task in tasks}
    service["runningCount"], service["pendingCount"] = running.total(), pending.total()
    for item in service["deployments"]:
        item["runningCount"], item["pendingCount"] = running[item["id"]], pending[item["id"]]
    service["deployments"] = [item for item in service["deployments"] if _kept(service, item, present)]
    _refresh_service_deployment(service, running, pending)
    ecs._recount_cluster(ecs._cluster_name_from_arn(service["clusterArn"]))


def _kept(service: Record, item: Record, present: set[str | None]) -> bool:
    if item["status"] == "PRIMARY" or item["id"] in present:
        return True
    unfinished = records.primary(service)["rolloutState"] != "COMPLETED"
    return bool(unfinished and item["id"] == service.get("_completed") and item["desiredCount"] > 0)


def _refresh_service_deployment(service: Record, running: Counter[str | None], pending: Counter[str | None]) -> None:
    newest = records.current(service)
    if newest is None:
        return
    for summary in (newest["targetServiceRevision"], *newest["sourceServiceRevisions"]):
        identifier = summary["_deployment"]
        shown = records.deployment(service, identifier)
        summary["requestedTaskCount"] = shown["desiredCount"] if shown else 0
        summary["runningTaskCount"], summary["pendingTaskCount"] = running[identifier], pending[identifier]
