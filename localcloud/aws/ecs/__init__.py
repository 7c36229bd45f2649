"""The ECS of the local cloud: MiniStack's records, API and Docker primitives under a scheduler that heeds health.

`install` is the only place where MiniStack's ECS module is changed.
"""

import importlib.metadata
from typing import Any

from localcloud.aws.ecs import condition_keys, containers, counts, starting, watching
from localcloud.aws.ecs.deployments_api import DeploymentsApi
from localcloud.aws.ecs.engine import Record, Response, Scope, ecs, iam_actions, refuse, reply, scope
from localcloud.aws.ecs.scheduler import Scheduler
from localcloud.aws.ecs.services_api import ServicesApi, describe_addition
from localcloud.aws.ecs.targets import Balancer

MINISTACK_VERSION = "1.5.33"
DOCKER_SECONDS = 60.0  # a busy engine answers late; MiniStack's 10 s would fail tasks on a small machine


def install(balancer: Balancer) -> Scheduler:
    """Put the scheduler in place of MiniStack's and start it; call once per process, before requests are served.

    Raises RuntimeError when MiniStack is not the version whose functions are replaced here.
    """
    found = importlib.metadata.version("ministack")
    if found != MINISTACK_VERSION:
        raise RuntimeError(f"the ECS scheduler is made for ministack {MINISTACK_VERSION}, but {found} is installed")
    scheduler = Scheduler(balancer)
    _replace(scheduler)
    scheduler.start()
    return scheduler


def _replace(scheduler: Scheduler) -> None:
    services = ServicesApi(scheduler, ecs._create_service)
    deployments = DeploymentsApi(scheduler)

    def exited(task: Record, place: Scope) -> None:
        if scheduler.stopping.begin(task, watching.EXITED, "EssentialContainerExited", place, dead=True):
            scheduler.task_failed(task)

    begin = starting.Starting(exited, scheduler.task_failed)
    stop_task = _stop_task_handler(scheduler)
    functions = {
        # scheduling: MiniStack's own falls silent, every change only wakes the scheduler
        "_reconcile_service_tasks": lambda *_: scheduler.wake(),
        "_complete_service_deployment": _nothing,
        "_schedule_service_deployment_completion": _nothing,
        "_record_service_task_failure": _nothing,
        "_record_service_task_healthy": _nothing,
        "_sync_service_targets": _nothing,
        "_refresh_service_state": lambda *_: scheduler.wake(),
        # tasks
        "_run_task_worker": begin.worker,
        "_prepare_service_images": starting.prepare_images,
        "_run_docker_container": starting.run_container,
        "_build_run_kwargs": containers.run_kwargs,
        "_resolve_container_secrets": containers.secrets_of,
        "_start_awslogs_forwarder": watching.follow_logs,
        "_watch_task_lifecycle": _nothing,
        "_maybe_mark_stopped": _nothing,
        "_stop_task": stop_task,
    }
    actions = {
        "CreateService": services.create_service,
        "UpdateService": services.update_service,
        "DeleteService": services.delete_service,
        "DescribeServices": _describe_handler(scheduler, ecs._describe_services),
        "DeleteCluster": _delete_cluster_handler(ecs._delete_cluster),
        "StopTask": stop_task,
        "ListServiceDeployments": deployments.list_service_deployments,
        "DescribeServiceDeployments": deployments.describe_service_deployments,
        "DescribeServiceRevisions": deployments.describe_service_revisions,
        "StopServiceDeployment": deployments.stop_service_deployment,
    }
    _use_patient_docker_client()
    for name, function in functions.items():
        if not hasattr(ecs, name):
            raise RuntimeError(f"ministack {MINISTACK_VERSION} should have ecs.{name}, and has not")
        setattr(ecs, name, function)
    # The action table holds the functions themselves; the path routes and CloudFormation look the names up.
    for name in ("create", "update", "delete"):
        setattr(ecs, f"_{name}_service", actions[f"{name.capitalize()}Service"])
    ecs._ACTION_MAP.update(actions)
    iam_actions.request_tag_context = condition_keys.with_cluster(iam_actions.request_tag_context)


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _use_patient_docker_client() -> None:
    import docker

    ecs._docker = docker.from_env(timeout=DOCKER_SECONDS)


def _describe_handler(scheduler: Scheduler, describe: Any) -> Any:
    """DescribeServices with fresh counts and the service deployment under way."""

    def handler(data: Record) -> Response:
        with scheduler.lock:
            for service in list(ecs._services.values()):
                if service.get("deployments"):
                    counts.refresh(service)
                describe_addition(service)
            return describe(data)

    return handler


def _delete_cluster_handler(delete: Any) -> Any:
    """DeleteCluster, refused while services or tasks live in the cluster."""

    def handler(data: Record) -> Response:
        cluster = ecs._clusters.get(ecs._resolve_cluster_name(data.get("cluster", "default"))) or {}
        arn = cluster.get("clusterArn")
        if any(item["clusterArn"] == arn and item["status"] != "INACTIVE" for item in list(ecs._services.values())):
            return refuse(
                "ClusterContainsServicesException", "The Cluster cannot be deleted while Services are active."
            )
        if any(task["clusterArn"] == arn and task["lastStatus"] != "STOPPED" for task in list(ecs._tasks.values())):
            return refuse("ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active.")
        return delete(data)

    return handler


def _stop_task_handler(scheduler: Scheduler) -> Any:
    """StopTask: returns at once, the task drains and ends by itself."""

    def handler(data: Record) -> Response:
        cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
        if cluster is None:
            return refuse("ClusterNotFoundException", "Cluster not found.")
        task = ecs._resolve_task(data.get("task", ""), cluster)
        if not task:
            return refuse("InvalidParameterException", "The referenced task was not found.")
        scheduler.stopping.begin(task, data.get("reason") or "Task stopped by user", "UserInitiated", scope())
        scheduler.wake()
        return reply({"task": ecs._sanitize(task)})

    return handler
