"""Application Auto Scaling, which MiniStack lacks: scalable targets, policies and their tags are kept and checked.

Nothing scales by itself: the local cloud has no load metrics of services to decide by. What a program declares can be
created, read back, changed and removed like on AWS.
"""

import json
import secrets
import time
import uuid
from collections.abc import Callable
from typing import Any

from ministack.core import iam_actions, router
from ministack.core.responses import (
    AccountRegionScopedDict,
    error_response_json,
    get_account_id,
    get_region,
    json_response,
)

Data = dict[str, Any]
_WHERE = ("ServiceNamespace", "ResourceId", "ScalableDimension")
_CHANGEABLE = ("MinCapacity", "MaxCapacity", "SuspendedState")
_SERVICE = "application-autoscaling"


class Refused(Exception):
    """An error of the API: code and message."""


class ApplicationAutoScaling:
    """The actions by name, over records scoped by account and region."""

    def __init__(self) -> None:
        self._targets = AccountRegionScopedDict()
        self._policies = AccountRegionScopedDict()
        self._actions: dict[str, Callable[[Data], Data]] = {
            "RegisterScalableTarget": self.register,
            "DescribeScalableTargets": self.describe_targets,
            "DeregisterScalableTarget": self.deregister,
            "PutScalingPolicy": self.put_policy,
            "DescribeScalingPolicies": self.describe_policies,
            "DeleteScalingPolicy": self.delete_policy,
            "DescribeScalingActivities": lambda _: {"ScalingActivities": []},
            "DescribeScheduledActions": lambda _: {"ScheduledActions": []},
            "ListTagsForResource": lambda data: {"Tags": dict(self._tagged(data)["Tags"])},
            "TagResource": self.tag,
            "UntagResource": self.untag,
        }

    def install(self, handlers: dict[str, Any]) -> None:
        """Make MiniStack route, authorize and answer the service."""
        router.SERVICE_PATTERNS[_SERVICE] = {
            "target_prefixes": ["AnyScaleFrontendService"],
            "host_patterns": [r"application-autoscaling\."],
            "credential_scope": _SERVICE,
        }
        iam_actions.SERVICE_TO_IAM_NAMESPACE[_SERVICE] = _SERVICE
        handlers[_SERVICE] = self.handle_request

    async def handle_request(self, method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        name = str(headers.get("x-amz-target", "")).rpartition(".")[2]
        action = self._actions.get(name)
        if action is None:
            return error_response_json("UnknownOperationException", f"The local cloud has no {name}", 400)
        try:
            return json_response(action(json.loads(body or b"{}")))
        except Refused as refused:
            return error_response_json(*refused.args, 400)

    # -- scalable targets ---

    def register(self, data: Data) -> Data:
        key = _place(data)
        known = self._targets.get(key)
        target = known or {
            **{name: data[name] for name in _WHERE},
            "RoleARN": data.get("RoleARN")
            or f"arn:aws:iam::{get_account_id()}:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/"
            "AWSServiceRoleForApplicationAutoScaling_ECSService",
            "CreationTime": int(time.time()),
            "ScalableTargetARN": f"arn:aws:{_SERVICE}:{get_region()}:{get_account_id()}:scalable-target/"
            + secrets.token_hex(16),
            "SuspendedState": dict.fromkeys(
                ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended"), False
            ),
            "Tags": dict(data.get("Tags") or {}),
        }
        changed = {**target, **{name: data[name] for name in _CHANGEABLE if name in data}}
        if "MinCapacity" not in changed or "MaxCapacity" not in changed:
            raise Refused("ValidationException", "Both minimum and maximum capacity are required for a new target.")
        if changed["MinCapacity"] > changed["MaxCapacity"]:
            raise Refused("ValidationException", "Maximum capacity cannot be less than minimum capacity.")
        self._targets[key] = changed
        return {"ScalableTargetARN": changed["ScalableTargetARN"]}

    def describe_targets(self, data: Data) -> Data:
        found = [
            {name: value for name, value in target.items() if name != "Tags"}
            for target in self._targets.values()
            if _asked(target, data)
        ]
        return {"ScalableTargets": found}

    def deregister(self, data: Data) -> Data:
        key = self._known(data)
        del self._targets[key]
        for name, policy in self._policies.items():
            if _place(policy) == key:
                del self._policies[name]
        return {}

    def _known(self, data: Data) -> tuple[str, ...]:
        key = _place(data)
        if key not in self._targets:
            raise Refused(
                "ObjectNotFoundException",
                f"No scalable target registered for service namespace: {key[0]}, resource ID: {key[1]}, "
                f"scalable dimension: {key[2]}",
            )
        return key

    # -- policies ---

    def put_policy(self, data: Data) -> Data:
        key = (*self._known(data), data["PolicyName"])
        known = self._policies.get(key) or {
            "PolicyARN": f"arn:aws:autoscaling:{get_region()}:{get_account_id()}:scalingPolicy:{uuid.uuid4()}:"
            f"resource/{data['ServiceNamespace']}/{data['ResourceId']}:policyName/{data['PolicyName']}",
            "CreationTime": int(time.time()),
            "Alarms": [],
        }
        kind = data.get("PolicyType") or known.get("PolicyType") or "StepScaling"
        if f"{kind}PolicyConfiguration" not in {**known, **data}:
            raise Refused("ValidationException", f"{kind}PolicyConfiguration is required for policy type {kind}.")
        self._policies[key] = {**known, **data, "PolicyType": kind}
        return {"PolicyARN": known["PolicyARN"], "Alarms": []}

    def describe_policies(self, data: Data) -> Data:
        names = data.get("PolicyNames") or []
        found = [
            policy
            for policy in self._policies.values()
            if _asked(policy, data) and (not names or policy["PolicyName"] in names)
        ]
        return {"ScalingPolicies": found}

    def delete_policy(self, data: Data) -> Data:
        key = (*_place(data), data["PolicyName"])
        if key not in self._policies:
            raise Refused("ObjectNotFoundException", f"No scaling policy found for policy name: {key[3]}")
        del self._policies[key]
        return {}

    # -- tags ---

    def _tagged(self, data: Data) -> Data:
        for target in self._targets.values():
            if target["ScalableTargetARN"] == data["ResourceARN"]:
                found: Data = target
                return found
        raise Refused("ResourceNotFoundException", f"Resource not found: {data['ResourceARN']}")

    def tag(self, data: Data) -> Data:
        self._tagged(data)["Tags"].update(data["Tags"])
        return {}

    def untag(self, data: Data) -> Data:
        tags = self._tagged(data)["Tags"]
        for key in data["TagKeys"]:
            tags.pop(key, None)
        return {}


def _place(data: Data) -> tuple[str, ...]:
    return tuple(str(data[name]) for name in _WHERE)


def _asked(record: Data, data: Data) -> bool:
    """Whether a Describe call with these filters shows the record."""
    resources = data.get("ResourceIds") or ([data["ResourceId"]] if data.get("ResourceId") else [])
    if resources and record["ResourceId"] not in resources:
        return False
    return all(data.get(name) in (None, record[name]) for name in ("ServiceNamespace", "ScalableDimension"))
