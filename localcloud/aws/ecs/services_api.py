"""CreateService, UpdateService and DeleteService; what happens then is the scheduler's business."""

import json
from typing import Any

from localcloud.aws.ecs import counts, records
from localcloud.aws.ecs.engine import Record, Response, alb, ecs, refuse, reply
from localcloud.aws.ecs.scheduler import Scheduler

# Fields UpdateService takes over as they are; those of a service revision among them start a new deployment.
UPDATABLE = (
    "networkConfiguration", "healthCheckGracePeriodSeconds", "enableExecuteCommand", "platformVersion",
    "loadBalancers", "serviceRegistries", "enableECSManagedTags", "propagateTags", "placementConstraints",
    "placementStrategy", "availabilityZoneRebalancing", "serviceConnectConfiguration", "volumeConfigurations",
)  # fmt: skip


class ServicesApi:
    """Handlers in place of MiniStack's, under the scheduler's lock."""

    def __init__(self, scheduler: Scheduler, create: Any) -> None:
        self._scheduler = scheduler
        self._create = create  # MiniStack's own, which builds the record

    def create_service(self, data: Record) -> Response:
        """CreateService, with AWS's checks of what it names."""
        with self._scheduler.lock:
            trouble = _trouble_with(data)
            if trouble:
                return refuse(*trouble)
            status, headers, body = self._create(data)
            if status != 200:
                return status, headers, body
            made = json.loads(body)["service"]
            service = ecs._services[f"{ecs._cluster_name_from_arn(made['clusterArn'])}/{made['serviceName']}"]
            service["deployments"], service["events"] = [], []
            records.open_deployment(service)
            counts.refresh(service)
            answer = reply({"service": ecs._sanitize(service)})
        self._scheduler.wake()
        return answer

    def update_service(self, data: Record) -> Response:
        """UpdateService: a change of the service revision, or force, is a new deployment; a count alone is not."""
        with self._scheduler.lock:
            service = _find(data)
            if service is None:
                return refuse("ServiceNotFoundException", "Service not found.")
            if service["status"] != "ACTIVE":
                return refuse("ServiceNotActiveException", "Service was not ACTIVE.")
            changes, trouble = _changes(service, data)
            if trouble:
                return refuse(*trouble)
            rolls = bool(data.get("forceNewDeployment")) or any(
                canonical(service.get(field)) != canonical(value)
                for field, value in changes.items()
                if field in records.REVISION_FIELDS
            )
            count_before = service["desiredCount"]
            service.update(changes)
            if rolls:
                _keep_capacity(service, count_before)
                records.open_deployment(service)
            elif service["desiredCount"] != count_before:
                records.primary(service).update(desiredCount=service["desiredCount"])
                service["_steady"] = False
            counts.refresh(service)
            answer = reply({"service": ecs._sanitize(service)})
        self._scheduler.wake()
        return answer

    def delete_service(self, data: Record) -> Response:
        """DeleteService: DRAINING until the last task has stopped, then INACTIVE."""
        with self._scheduler.lock:
            service = _find(data)
            if service is None or service["status"] == "INACTIVE":
                return refuse("ServiceNotFoundException", "Service not found.")
            if not data.get("force") and service["desiredCount"] > 0:
                return refuse("InvalidParameterException", "The service cannot be stopped while it is scaled above 0.")
            service.update(status="DRAINING", desiredCount=0)
            for item in service["deployments"]:
                item["desiredCount"] = 0
            underway = records.in_progress(service)
            if underway:
                records.fail(service, "The service was deleted.")
            answer = reply({"service": ecs._sanitize(service)})
        self._scheduler.wake()
        return answer


def describe_addition(service: Record) -> None:
    """Fields of DescribeServices that MiniStack does not know."""
    newest, shown = records.current(service), []
    for item in service.get("deployments") or []:
        shown.append(
            {
                "arn": records.revision_arn(service, item["id"]),
                "requestedTaskCount": item["desiredCount"],
                "runningTaskCount": item["runningCount"],
                "pendingTaskCount": item["pendingCount"],
            }
        )
    service["currentServiceRevisions"] = shown
    service["currentServiceDeployment"] = newest["serviceDeploymentArn"] if newest else None


def canonical(value: Any) -> Any:
    """A configuration without order and defaults: what is only written differently is no new deployment."""
    if isinstance(value, dict):
        kept = {key: canonical(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in (None, [], {})}
    if isinstance(value, list):
        return sorted((canonical(item) for item in value), key=repr)
    return None if value in ("", "DISABLED", "LATEST") else value


def _find(data: Record) -> Record | None:
    cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
    reference = ecs._resolve_service_ref(data.get("service", ""))
    if cluster is None or reference is None or reference[1] not in (None, cluster):
        return None
    found: Record | None = ecs._services.get(f"{cluster}/{reference[0]}")
    return found


def _keep_capacity(service: Record, count: int) -> None:
    """What the deployment so far was asked for stays on its record: that much of it is kept alive meanwhile."""
    records.primary(service)["desiredCount"] = count


def _changes(service: Record, data: Record) -> tuple[Record, tuple[str, str] | None]:
    unsupported = _unsupported(data)
    if unsupported:
        return {}, unsupported
    changes: Record = {field: data[field] for field in UPDATABLE if field in data}
    if data.get("desiredCount") is not None:
        changes["desiredCount"] = int(data["desiredCount"])
    if "deploymentConfiguration" in data:
        changes["deploymentConfiguration"] = {
            **(service.get("deploymentConfiguration") or {}), **data["deploymentConfiguration"]
        }  # fmt: skip
    if "capacityProviderStrategy" in data:
        changes["capacityProviderStrategy"] = data["capacityProviderStrategy"] or None
        changes["launchType"] = None if data["capacityProviderStrategy"] else service.get("launchType") or "EC2"
    if data.get("taskDefinition"):
        definition = _definition(data["taskDefinition"])
        if isinstance(definition, tuple):
            return {}, definition
        changes["taskDefinition"] = definition["taskDefinitionArn"]
    named = {**service, **changes}
    return changes, _load_balancer_trouble(named.get("loadBalancers") or [], _definition(named["taskDefinition"]))


def _definition(reference: str) -> Record | tuple[str, str]:
    found: Record | None = ecs._task_defs.get(ecs._resolve_td_key(reference))
    if found is None:
        return "ClientException", "TaskDefinition not found."
    if found["status"] != "ACTIVE":
        return "ClientException", "TaskDefinition is inactive"
    return found


def _trouble_with(data: Record) -> tuple[str, str] | None:
    cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
    if (ecs._clusters.get(cluster) or {}).get("status") != "ACTIVE":
        return "ClusterNotFoundException", "Cluster not found."
    existing = ecs._services.get(f"{cluster}/{data.get('serviceName')}")
    if existing and existing["status"] == "DRAINING":
        return "InvalidParameterException", "Unable to Start a service that is still Draining."
    definition = _definition(data.get("taskDefinition", ""))
    if isinstance(definition, tuple):
        return definition
    if _unsupported(data):
        return _unsupported(data)
    return _load_balancer_trouble(data.get("loadBalancers") or [], definition)


def _unsupported(data: Record) -> tuple[str, str] | None:
    """What would otherwise be ignored silently: the scheduler knows the rolling update of replicas only."""
    for value, known in (
        ((data.get("deploymentConfiguration") or {}).get("strategy"), "ROLLING"),
        ((data.get("deploymentController") or {}).get("type"), "ECS"),
        (data.get("schedulingStrategy"), "REPLICA"),
    ):
        if value not in (None, known):
            return "UnsupportedFeatureException", f"The local cloud does {known}, not {value}."
    return None


def _load_balancer_trouble(blocks: list[Record], definition: Record | tuple[str, str]) -> tuple[str, str] | None:
    for block in blocks:
        group = block.get("targetGroupArn")
        if not group:
            continue
        known = alb._tgs.get(group)
        if known is None:
            return "InvalidParameterException", f"The target group with targetGroupArn {group} does not exist."
        if not known.get("LoadBalancerArns"):
            return (
                "InvalidParameterException",
                f"The target group with targetGroupArn {group} does not have an associated load balancer.",
            )
        if isinstance(definition, tuple):
            continue
        listed = {item["name"]: item for item in definition["containerDefinitions"]}
        container = listed.get(block.get("containerName"))
        if container is None:
            return (
                "InvalidParameterException",
                f"The container {block.get('containerName')} does not exist in the task definition.",
            )
        ports = {mapping.get("containerPort") for mapping in container.get("portMappings") or []}
        if block.get("containerPort") not in ports:
            return (
                "InvalidParameterException",
                f"The container {block['containerName']} did not have a container port {block.get('containerPort')} "
                "defined.",
            )
    return None
