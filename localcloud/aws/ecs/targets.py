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


def register(balancer: Balancer, service: Record, task: Record) -> list[str]:
    """Put a task that has just begun to run into every target group of its service, once; the groups it is new in."""
    if "_targets" in task:
        return []
    address = ecs._task_ip(task)
    if not address:
        return []
    wanted = [
        (block["targetGroupArn"], address, int(block.get("containerPort") or 80))
        for block in service.get("loadBalancers") or []
        if block.get("targetGroupArn")
    ]
    try:
        for target in wanted:
            balancer.register(*target)
    except Exception as error:  # tried again in the next pass; until then the task is not healthy
        if not task.get("_registration_trouble"):
            task["_registration_trouble"] = str(error)
            announce(service, f"was unable to register a target in (target-group {wanted[0][0]}): {error}")
        return []
    task["_targets"] = wanted
    return groups(task)


def groups(task: Record) -> list[str]:
    """The target groups a task is in."""
    return [group for group, _, _ in task.get("_targets") or []]


def deregister(balancer: Balancer, task: Record) -> None:
    """Take a task out of its target groups; requests in flight go on."""
    for target in task.get("_targets") or []:
        balancer.deregister(*target)


def draining(balancer: Balancer, task: Record) -> bool:
    """True while some target group still waits for requests in flight."""
    return any(balancer.state(*target).state == "draining" for target in task.get("_targets") or [])
