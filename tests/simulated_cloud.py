"""AWS as a rolling release sees it, on a virtual clock: target states with their timings, a table, a registry, alarms.

Every call is counted, may fail once, and is a place where a run may be killed.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from tests.virtual_clock import Killed, VirtualClock

CHECK_SECONDS = 5.0
HEALTHY_CHECKS, UNHEALTHY_CHECKS = 2, 3
THROTTLED = ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "Call")


class ConditionalCheckFailedException(Exception):
    pass


class Points:
    """Every place where a run can be killed, and every call that can fail."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.count = 0
        self.calls: list[str] = []
        self.kill_at = -1
        self.fail_at: Callable[[int, str], bool] = lambda _number, _name: False
        self.on_point: Callable[[str], None] = lambda _name: None

    def reset(self) -> None:
        self.count, self.calls, self.kill_at = 0, [], -1
        self.fail_at = lambda _number, _name: False
        self._clock.dead = False

    def here(self, name: str) -> None:
        if threading.current_thread().name == "lock":
            return
        if self._clock.dead:
            raise Killed
        self.count += 1
        if self.count == self.kill_at:
            self._clock.dead = True
            raise Killed
        self.on_point(name)

    def call(self, name: str, error: Exception) -> None:
        """Before an effect. Raises `error` when this call is meant to fail."""
        self.here(name)
        if threading.current_thread().name != "lock":
            self.calls.append(name)
            if self.fail_at(len(self.calls), name):
                raise error


@dataclass
class Target:
    state: str = "initial"
    good: int = 0
    bad: int = 0
    generation: int = 0


@dataclass
class Cloud:
    """`cloud("elbv2")` is the client, as `actions.clients.Clients` gives it."""

    clock: VirtualClock
    points: Points
    answers: Callable[[str], bool]  # whether an instance answers the balancer's health checks
    in_flight: Callable[[str], float]  # until when an instance still has requests in flight
    drain_seconds: float
    changed: Callable[[], None]  # after every change of a target
    targets: dict[str, Target] = field(default_factory=dict)
    table: dict[str, dict[str, Any]] = field(default_factory=dict)
    images: dict[str, tuple[str, ...]] = field(default_factory=dict)  # tag → architectures
    firing: list[str] = field(default_factory=list)
    exceptions: Any = None

    def __post_init__(self) -> None:
        self.exceptions = type("Exceptions", (), {"ConditionalCheckFailedException": ConditionalCheckFailedException})

    def __call__(self, _service: str) -> "Cloud":
        return self

    # elbv2
    def register_targets(self, TargetGroupArn: str, Targets: list[dict[str, Any]]) -> None:
        self.points.call("register", THROTTLED)
        for entry in Targets:
            known = self.targets.get(entry["Id"])
            if known is None or known.state == "draining":
                target = Target(generation=known.generation + 1 if known else 1)
                self.targets[entry["Id"]] = target
                self._check_later(entry["Id"], target)
        self._after("registered")

    def deregister_targets(self, TargetGroupArn: str, Targets: list[dict[str, Any]]) -> None:
        self.points.call("deregister", THROTTLED)
        for entry in Targets:
            target = self.targets.get(entry["Id"])
            if target is not None and target.state != "draining":
                target.state = "draining"
                end = min(max(self.in_flight(entry["Id"]), self.clock.time), self.clock.time + self.drain_seconds)
                self.clock.at(end, lambda instance=entry["Id"], target=target: self._gone(instance, target))  # type: ignore[misc]
        self._after("deregistered")

    def describe_target_health(self, TargetGroupArn: str) -> dict[str, Any]:
        self.points.call("states", THROTTLED)
        found = [
            {"Target": {"Id": instance, "Port": 8000}, "TargetHealth": {"State": target.state}}
            for instance, target in self.targets.items()
        ]
        return {"TargetHealthDescriptions": found}

    def _gone(self, instance: str, target: Target) -> None:
        if self.targets.get(instance) is target:
            del self.targets[instance]

    def _check_later(self, instance: str, target: Target) -> None:
        self.clock.at(self.clock.time + CHECK_SECONDS, lambda: self._check(instance, target))

    def _check(self, instance: str, target: Target) -> None:
        if self.targets.get(instance) is not target or target.state == "draining":
            return
        answered = self.answers(instance)
        target.good, target.bad = (target.good + 1, 0) if answered else (0, target.bad + 1)
        if target.good >= HEALTHY_CHECKS:
            target.state = "healthy"
        elif target.bad >= UNHEALTHY_CHECKS or (target.bad and target.state == "initial" and target.bad >= 2):
            target.state = "unhealthy"
        self.changed()
        self._check_later(instance, target)

    # dynamodb
    def get_item(self, TableName: str, Key: dict[str, Any], ConsistentRead: bool) -> dict[str, Any]:
        self.points.call("get_item", THROTTLED)
        item = self.table.get(Key["id"]["S"])
        return {"Item": dict(item)} if item else {}

    def put_item(self, *, Item: dict[str, Any], ExpressionAttributeValues: dict[str, Any], **_: Any) -> None:
        self.points.call("put_item", THROTTLED)
        there = self.table.get(Item["id"]["S"])
        number = int(there["number"]["N"]) if there else None
        values = {key: int(value["N"]) for key, value in ExpressionAttributeValues.items()}
        ok = number is None or (number == values[":seen"] if ":seen" in values else number <= values[":n"])
        if not ok:
            raise ConditionalCheckFailedException
        self.table[Item["id"]["S"]] = Item
        self.points.here("put")

    def update_item(
        self, *, Key: dict[str, Any], UpdateExpression: str, ExpressionAttributeValues: dict[str, Any], **_given: Any
    ) -> None:
        self.points.call("update_item", THROTTLED)
        item = self.table.get(Key["id"]["S"], {})
        values = ExpressionAttributeValues
        if item.get("number") != values[":n"] or item.get("owner") != values[":o"]:
            raise ConditionalCheckFailedException
        setting, _, removing = UpdateExpression.removeprefix("SET ").partition(" REMOVE ")
        for pair in setting.split(", "):
            name, value = pair.split(" = ")
            item[name] = values[value]
        for name in removing.split(", ") if removing else ():
            item.pop(name, None)
        self.points.here("updated")

    # ecr, cloudwatch, sts
    def describe_images(self, repositoryName: str, imageIds: list[dict[str, str]]) -> dict[str, Any]:
        self.points.call("describe_images", THROTTLED)
        tag = imageIds[0]["imageTag"]
        if tag not in self.images:
            raise ClientError({"Error": {"Code": "ImageNotFoundException", "Message": "no"}}, "DescribeImages")
        return {"imageDetails": [{"imageDigest": digest_of(tag)}]}

    def batch_get_image(self, imageIds: list[dict[str, str]], **_: Any) -> dict[str, Any]:
        self.points.call("batch_get_image", THROTTLED)
        tag = imageIds[0]["imageDigest"].removeprefix("sha256:").split("/")[0]
        entries = [
            {"digest": digest_of(tag) + "/" + arch, "platform": {"os": "linux", "architecture": arch}}
            for arch in self.images[tag]
        ]
        one = {"layers": [{"size": 50_000_000}]}
        manifest = one if "/" in imageIds[0]["imageDigest"] else {"manifests": entries}
        return {"images": [{"imageManifest": json.dumps(manifest)}]}

    def describe_alarms(self, AlarmNames: list[str], **_: Any) -> dict[str, Any]:
        self.points.call("describe_alarms", THROTTLED)
        states = [{"AlarmName": n, "StateValue": "ALARM" if n in self.firing else "OK"} for n in AlarmNames]
        return {"MetricAlarms": states}

    def get_caller_identity(self) -> dict[str, str]:
        self.points.call("get_caller_identity", THROTTLED)
        return {"Account": "000000000000", "Arn": "arn:aws:iam::000000000000:root"}

    def _after(self, name: str) -> None:
        self.changed()
        self.points.here(name)


def digest_of(tag: str) -> str:
    return f"sha256:{tag}"
