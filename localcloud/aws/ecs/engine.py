"""The one door to MiniStack's modules: untyped there, so typed `Any` here, and only here."""

import importlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

ecs: Any = importlib.import_module("ministack.services.ecs")
alb: Any = importlib.import_module("ministack.services.alb")
cloudwatch: Any = importlib.import_module("ministack.services.cloudwatch")
ssm: Any = importlib.import_module("ministack.services.ssm")
metadata: Any = importlib.import_module("ministack.services.ecs_metadata")
responses: Any = importlib.import_module("ministack.core.responses")
iam_actions: Any = importlib.import_module("ministack.core.iam_actions")
evaluator: Any = importlib.import_module("ministack.core.iam_evaluator")
concurrency: Any = importlib.import_module("ministack.core.concurrency")

Record = dict[str, Any]
Response = Any  # (status, headers, body), what MiniStack's handlers return
Scope = tuple[str, str]  # account id, region


def scope() -> Scope:
    """Account and region of the request (or scheduler pass) that runs."""
    return responses.get_account_id(), responses.get_region()


def scoped(place: Scope) -> AbstractContextManager[Any]:
    """MiniStack's records are kept by account and region: everything that reads them runs within one."""
    scope_manager: AbstractContextManager[Any] = responses.request_scope(*place)
    return scope_manager


def reply(body: Record) -> Response:
    """A successful answer."""
    return responses.json_response(body)


def refuse(code: str, message: str) -> Response:
    """An error in AWS's shape."""
    return responses.error_response_json(code, message, 400)


def every_service() -> Iterator[tuple[Scope, str, Record]]:
    """All services of all accounts and regions, with their key `cluster/name`."""
    for (account, region, key), service in list(ecs._services.all_items()):
        yield (account, region), key, service


def every_task() -> Iterator[tuple[Scope, Record]]:
    """All tasks, stopped ones included."""
    for (account, region, _), task in list(ecs._tasks.all_items()):
        yield (account, region), task


def tasks_of(service: Record) -> list[Record]:
    """The tasks of one service, stopped ones included; the caller is within the service's scope."""
    group, cluster = f"service:{service['serviceName']}", service["clusterArn"]
    return [
        task for task in list(ecs._tasks.values()) if task.get("group") == group and task.get("clusterArn") == cluster
    ]


def service_of(task: Record) -> Record | None:
    """The service a task belongs to, if any."""
    group = str(task.get("group") or "")
    if not group.startswith("service:"):
        return None
    cluster = ecs._cluster_name_from_arn(task.get("clusterArn", ""))
    found: Record | None = ecs._services.get(f"{cluster}/{group.removeprefix('service:')}")
    return found


def in_alarm(name: str) -> bool:
    """True when this CloudWatch alarm fires."""
    alarm = cloudwatch._alarms.get(name)
    return bool(alarm and alarm["StateValue"] == "ALARM")


def task_lock(task: Record) -> AbstractContextManager[Any]:
    """MiniStack's own lock of a task's record; never held across a call to the Docker engine."""
    lock: AbstractContextManager[Any] = concurrency.resource_lock("ecs-task", task["taskArn"])
    return lock
