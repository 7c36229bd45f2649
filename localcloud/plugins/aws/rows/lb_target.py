"""Target groups (ELBv2): health checks, draining, stickiness."""

from typing import Any

from ...values import Object
from ..properties import flag, name, one, text, whole
from ..row import Op, row
from .ec2 import retry_delete
from .lb import Elb, attribute_values, attributes, tags_of, word

_GROUP = {
    "deregistrationDelay": "deregistration_delay.timeout_seconds",
    "slowStart": "slow_start.duration_seconds",
    "loadBalancingAlgorithmType": "load_balancing.algorithm.type",
    "loadBalancingCrossZoneEnabled": "load_balancing.cross_zone.enabled",
}
_HEALTH = {  # property -> the API's parameter
    "enabled": "HealthCheckEnabled",
    "healthyThreshold": "HealthyThresholdCount",
    "interval": "HealthCheckIntervalSeconds",
    "path": "HealthCheckPath",
    "port": "HealthCheckPort",
    "protocol": "HealthCheckProtocol",
    "timeout": "HealthCheckTimeoutSeconds",
    "unhealthyThreshold": "UnhealthyThresholdCount",
}


@row
class TargetGroup(Elb):
    token = "aws:lb/targetGroup:TargetGroup"
    import_id = "the target group's ARN"
    gone = ("TargetGroupNotFound", "TargetGroupNotFoundException")
    outputs = ("arn", "arnSuffix", "loadBalancerArns")
    props = {
        "name": name(32),
        "port": whole(replace=True),
        "protocol": text(computed=True, replace=True),
        "protocolVersion": text(computed=True, replace=True),
        "vpcId": text(replace=True),
        "targetType": text(default="instance", replace=True),
        "ipAddressType": text(computed=True, replace=True),
        "deregistrationDelay": whole(default=300, api=""),
        "slowStart": whole(default=0, api=""),
        "loadBalancingAlgorithmType": text(computed=True, api=""),
        "loadBalancingCrossZoneEnabled": text(computed=True, api=""),
        "healthCheck": one(
            {
                "enabled": flag(default=True),
                "healthyThreshold": whole(default=3),
                "interval": whole(default=30),
                "matcher": text(computed=True),
                "path": text(computed=True),
                "port": text(default="traffic-port"),
                "protocol": text(default="HTTP"),
                "timeout": whole(computed=True),
                "unhealthyThreshold": whole(default=3),
            },
            computed=True,
            api="",
        ),
        "stickiness": one(
            {
                "type": text(required=True),
                "enabled": flag(default=True),
                "cookieDuration": whole(default=86400),
                "cookieName": text(),
            },
            computed=True,
            api="",
        ),
    }

    def create(self, op: Op) -> str:
        sent = {**self.send(op), **_health(op.inputs.get("healthCheck") or {})}
        made = op.client("elbv2").create_target_group(**sent, **self.tags(op))["TargetGroups"][0]
        op.created(made["TargetGroupArn"])
        self._put_attributes(op, set(op.inputs))
        return op.id

    def _put_attributes(self, op: Op, names: set[str]) -> None:
        wanted = attributes(_GROUP, op.inputs, names)
        if "stickiness" in names:
            wanted += _stickiness(op.inputs.get("stickiness"))
        if wanted:
            op.client("elbv2").modify_target_group_attributes(TargetGroupArn=op.id, Attributes=wanted)

    def read(self, op: Op) -> Object | None:
        elb = op.client("elbv2")
        found = elb.describe_target_groups(TargetGroupArns=[op.id])["TargetGroups"]
        if not found:
            return None
        answer, arn = found[0], found[0]["TargetGroupArn"]
        stored = elb.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]
        health = {key: answer[api] for key, api in _HEALTH.items() if api in answer}
        if matcher := (answer.get("Matcher") or {}).get("HttpCode"):
            health["matcher"] = matcher
        return {
            **self.receive(answer),
            **attribute_values(_GROUP, self.props, stored),
            "name": answer["TargetGroupName"],
            "healthCheck": health,
            "stickiness": _stickiness_state(stored),
            "arn": arn,
            "arnSuffix": arn.rsplit(":", 1)[-1],
            "loadBalancerArns": answer.get("LoadBalancerArns", []),
            "tagsAll": tags_of(op, arn),
        }

    def update(self, op: Op) -> None:
        if "healthCheck" in op.changed:
            op.client("elbv2").modify_target_group(TargetGroupArn=op.id, **_health(op.inputs.get("healthCheck") or {}))
        self._put_attributes(op, set(op.changed))

    def delete(self, op: Op) -> None:
        retry_delete(op, lambda: op.client("elbv2").delete_target_group(TargetGroupArn=op.id), ("ResourceInUse",), 120)


def _health(check: Object) -> dict[str, Any]:
    sent = {api: check[key] for key, api in _HEALTH.items() if check.get(key) is not None}
    return {**sent, **({"Matcher": {"HttpCode": check["matcher"]}} if check.get("matcher") else {})}


def _stickiness(wanted: Object | None) -> list[dict[str, str]]:
    if not wanted:
        return [{"Key": "stickiness.enabled", "Value": "false"}]
    kind = wanted["type"]
    values = {"stickiness.enabled": word(wanted.get("enabled", True)), "stickiness.type": kind}
    if kind in ("lb_cookie", "app_cookie"):
        values[f"stickiness.{kind}.duration_seconds"] = str(wanted.get("cookieDuration", 86400))
    if kind == "app_cookie":
        values["stickiness.app_cookie.cookie_name"] = wanted.get("cookieName", "")
    return [{"Key": key, "Value": value} for key, value in values.items()]


def _stickiness_state(stored: list[dict[str, str]]) -> Object:
    found = {one["Key"]: one["Value"] for one in stored}
    kind = found.get("stickiness.type", "lb_cookie")
    state: Object = {
        "enabled": found.get("stickiness.enabled") == "true",
        "type": kind,
        "cookieDuration": int(found.get(f"stickiness.{kind}.duration_seconds", 86400)),
    }
    if cookie := found.get("stickiness.app_cookie.cookie_name"):
        state["cookieName"] = cookie
    return state
