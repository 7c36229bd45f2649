"""Application Auto Scaling: scalable targets and their policies."""

from ...values import Object
from ..properties import Prop, flag, many, number, one, text, whole
from ..properties import name as own_name
from ..row import Op, Row, row

_WHERE = ("serviceNamespace", "resourceId", "scalableDimension")
_PLACE: dict[str, Prop] = {key: text(required=True, replace=True) for key in _WHERE}


def _split(import_id: str) -> list[str]:
    """Namespace, resource id (which has slashes of its own) and dimension of an import id."""
    parts = import_id.split("/")
    return [parts[0], "/".join(parts[1:-1]), parts[-1]]


@row
class Target(Row):
    token = "aws:appautoscaling/target:Target"
    import_id = "service-namespace/resource-id/scalable-dimension"
    tagged = True
    gone = ("ObjectNotFoundException",)
    outputs = ("arn",)
    props = {
        **_PLACE,
        "minCapacity": whole(required=True),
        "maxCapacity": whole(required=True),
        "roleArn": text(computed=True, api="RoleARN"),
        "suspendedState": one(
            {
                key: flag(default=False)
                for key in ("dynamicScalingInSuspended", "dynamicScalingOutSuspended", "scheduledScalingSuspended")
            },
            computed=True,
        ),
    }

    def create(self, op: Op) -> str:
        tags = {"Tags": op.tags} if op.tags else {}
        op.client("application-autoscaling").register_scalable_target(**self.send(op), **tags)
        return op.created(op.inputs["resourceId"])

    def read(self, op: Op) -> Object | None:
        known = {**op.inputs, **op.old}
        place = [known[key] for key in _WHERE] if known.get("resourceId") else _split(op.id)
        client = op.client("application-autoscaling")
        found = client.describe_scalable_targets(
            ServiceNamespace=place[0], ResourceIds=[place[1]], ScalableDimension=place[2]
        )["ScalableTargets"]
        if not found:
            return None
        answer = found[0]
        arn = answer.get("ScalableTargetARN", "")
        tags = client.list_tags_for_resource(ResourceARN=arn).get("Tags", {}) if arn else op.tags
        return {**self.receive(answer), "id": place[1], "arn": arn, "tagsAll": tags}

    def update(self, op: Op) -> None:
        op.client("application-autoscaling").register_scalable_target(**self.send(op, *_WHERE, *op.changed))

    def delete(self, op: Op) -> None:
        place = {key[0].upper() + key[1:]: op.old[key] for key in _WHERE}
        op.client("application-autoscaling").deregister_scalable_target(**place)

    def retag(self, op: Op, put: dict[str, str], removed: list[str]) -> None:
        client = op.client("application-autoscaling")
        if removed:
            client.untag_resource(ResourceARN=op.old["arn"], TagKeys=removed)
        if put:
            client.tag_resource(ResourceARN=op.old["arn"], Tags=put)


_TRACKING: dict[str, Prop] = {
    "targetValue": number(required=True),
    "disableScaleIn": flag(default=False),
    "scaleInCooldown": whole(),
    "scaleOutCooldown": whole(),
    "predefinedMetricSpecification": one({"predefinedMetricType": text(required=True), "resourceLabel": text()}),
    "customizedMetricSpecification": one(
        {
            "metricName": text(),
            "namespace": text(),
            "statistic": text(),
            "unit": text(),
            "dimensions": many({"name": text(required=True), "value": text(required=True)}, unordered=True),
        }
    ),
}
_STEPS: dict[str, Prop] = {
    "adjustmentType": text(),
    "cooldown": whole(),
    "metricAggregationType": text(),
    "minAdjustmentMagnitude": whole(),
    "stepAdjustments": many(
        {
            "scalingAdjustment": whole(required=True),
            "metricIntervalLowerBound": text(),
            "metricIntervalUpperBound": text(),
        },
        unordered=True,
    ),
}
_BOUNDS = ("MetricIntervalLowerBound", "MetricIntervalUpperBound")


@row
class Policy(Row):
    token = "aws:appautoscaling/policy:Policy"
    import_id = "service-namespace/resource-id/scalable-dimension/policy-name"
    gone = ("ObjectNotFoundException",)
    outputs = ("arn", "alarmArns")
    props = {
        "name": own_name(255, api="PolicyName"),
        **_PLACE,
        "policyType": text(default="StepScaling"),
        "targetTrackingScalingPolicyConfiguration": one(_TRACKING),
        "stepScalingPolicyConfiguration": one(_STEPS),
    }

    def create(self, op: Op) -> str:
        self._put(op)
        return op.created(op.inputs["name"])

    def _put(self, op: Op) -> None:
        sent = self.send(op)
        for step in (sent.get("StepScalingPolicyConfiguration") or {}).get("StepAdjustments", []):
            for bound in _BOUNDS:
                if bound in step:
                    step[bound] = float(step[bound])
        op.client("application-autoscaling").put_scaling_policy(**sent)

    def read(self, op: Op) -> Object | None:
        known = {**op.inputs, **op.old}
        place, policy_name = [known.get(key) for key in _WHERE], op.id
        if not known.get("resourceId"):
            whole_id, _, policy_name = op.id.rpartition("/")
            place = [*_split(whole_id)]
        found = op.client("application-autoscaling").describe_scaling_policies(
            PolicyNames=[policy_name], ServiceNamespace=place[0], ResourceId=place[1], ScalableDimension=place[2]
        )["ScalingPolicies"]
        if not found:
            return None
        values = self.receive(found[0])
        for step in (values.get("stepScalingPolicyConfiguration") or {}).get("stepAdjustments", []):
            for bound in ("metricIntervalLowerBound", "metricIntervalUpperBound"):
                if bound in step:
                    step[bound] = f"{step[bound]:g}"
        alarms = [alarm["AlarmARN"] for alarm in found[0].get("Alarms", [])]
        return {**values, "id": policy_name, "arn": found[0]["PolicyARN"], "alarmArns": alarms}

    def update(self, op: Op) -> None:
        self._put(op)

    def delete(self, op: Op) -> None:
        place = {key[0].upper() + key[1:]: op.old[key] for key in _WHERE}
        op.client("application-autoscaling").delete_scaling_policy(PolicyName=op.old["name"], **place)
