"""A task's membership in the target groups of its service, and what the balancer thinks of it."""

from typing import Protocol

from localcloud.aws.ecs.engine import Record, ecs
from localcloud.aws.ecs.records import announce


class TargetState(Protocol):
    """One target as the balancer sees it: `state` is initial, healthy, unhealthy, draining or unused."""

    @property
    def state(self) -> str: ...

    @property
    def reason(self) -> str: ...

    @property
    def description(self) -> str: ...


class Balancer(Protocol):
    """The load balancers of the cloud; every method may be called from any thread."""

    def register(self, target_group_arn: str, ip: str, port: int, /) -> object: ...

    def deregister(self, target_group_arn: str, ip: str, port: int, /) -> object: ...

    def state(self, target_group_arn: str, ip: str, port: int, /) -> TargetState: ...


def register(balancer: Balancer, service: Record, task: Record) -> None:
    """Put a task that has just begun to run into every target group of its service, once."""
    if "_targets" in task:
        return
    address = ecs._task_ip(task)
    if not address:
        return
    task["_targets"] = []
    for block in service.get("loadBalancers") or []:
        group = block.get("targetGroupArn")
        if not group:
            continue
        port = int(block.get("containerPort") or 80)
        balancer.register(group, address, port)
        task["_targets"].append((group, address, port))
        announce(service, f"registered 1 targets in (target-group {group})")


def deregister(balancer: Balancer, service: Record | None, task: Record) -> None:
    """Take a task out of its target groups; requests in flight go on."""
    for group, address, port in task.get("_targets") or []:
        balancer.deregister(group, address, port)
        if service is not None:
            announce(service, f"deregistered 1 targets in (target-group {group})")


def draining(balancer: Balancer, task: Record) -> bool:
    """True while some target group still waits for requests in flight."""
    return any(balancer.state(*target).state == "draining" for target in task.get("_targets") or [])
