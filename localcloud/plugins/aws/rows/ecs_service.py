"""ECS services: updates send only what changed; deletion drains and waits until the service is INACTIVE."""

from typing import Any

from ...values import Object
from ..properties import flag, many, mapping, name, number, one, text, texts, to_api, whole
from ..row import Op, Row, row, tag_list, tag_map
from ..session import ApiError
from ..state import Unsettled
from .ecs_task import retag

_SECONDS = 1200  # the real provider's default for create, update and delete
_CIRCUIT_BREAKER = {"enable": flag(required=True), "rollback": flag(required=True)}
_CANARY = {"canaryPercent": number(), "canaryBakeTimeInMinutes": text()}
_LINEAR = {"stepPercent": number(), "stepBakeTimeInMinutes": text()}
_HOOK = {
    "hookTargetArn": text(),
    "roleArn": text(),
    "lifecycleStages": texts(required=True),
    "hookDetails": text(),
}
_STRATEGY = {
    "strategy": text(computed=True),
    "bakeTimeInMinutes": text(computed=True),
    "canaryConfiguration": one(_CANARY),
    "linearConfiguration": one(_LINEAR),
    "lifecycleHooks": many(_HOOK, unordered=True),
}
_ADVANCED = {
    "alternateTargetGroupArn": text(required=True),
    "productionListenerRule": text(required=True),
    "testListenerRule": text(),
    "roleArn": text(required=True),
}
_DEPLOYMENT = {
    "alarms",
    "deploymentCircuitBreaker",
    "deploymentConfiguration",
    "deploymentMaximumPercent",
    "deploymentMinimumHealthyPercent",
}
_WHOLE = ("bakeTimeInMinutes", "canaryBakeTimeInMinutes", "stepBakeTimeInMinutes")  # text in Pulumi, numbers in the API


@row
class Service(Row):
    token = "aws:ecs/service:Service"
    import_id = "cluster name/service name"
    upper = False
    tagged = True
    gone = ("ServiceNotFoundException", "ClusterNotFoundException")
    outputs = ("arn",)
    props = {
        "name": name(255, api="serviceName"),
        "cluster": text(computed=True, replace=True),
        "taskDefinition": text(),
        "desiredCount": whole(),
        "launchType": text(computed=True, replace=True),
        "capacityProviderStrategies": many(
            {"capacityProvider": text(required=True), "base": whole(default=0), "weight": whole(default=0)},
            unordered=True,
            api="capacityProviderStrategy",
        ),
        "platformVersion": text(computed=True),
        "schedulingStrategy": text(default="REPLICA", replace=True),
        "availabilityZoneRebalancing": text(computed=True),
        "deploymentController": one({"type": text(default="ECS", replace=True)}, computed=True, replace=True),
        "deploymentMaximumPercent": whole(default=200, api=""),
        "deploymentMinimumHealthyPercent": whole(default=100, api=""),
        "deploymentCircuitBreaker": one(_CIRCUIT_BREAKER, api=""),
        "deploymentConfiguration": one(_STRATEGY, computed=True, api=""),
        "alarms": one({"alarmNames": texts(required=True, unordered=True), **_CIRCUIT_BREAKER}, api=""),
        "enableEcsManagedTags": flag(),
        "enableExecuteCommand": flag(),
        "propagateTags": text(),
        "healthCheckGracePeriodSeconds": whole(),
        "iamRole": text(computed=True, replace=True, api="role"),
        "loadBalancers": many(
            {
                "targetGroupArn": text(),
                "containerName": text(required=True),
                "containerPort": whole(required=True),
                "advancedConfiguration": one(_ADVANCED),
            },
            unordered=True,
        ),
        "networkConfiguration": one(
            {
                "subnets": texts(required=True, unordered=True),
                "securityGroups": texts(computed=True, unordered=True),
                "assignPublicIp": flag(default=False),
            },
            api="",
        ),
        "placementConstraints": many({"type": text(required=True), "expression": text()}, unordered=True),
        "orderedPlacementStrategies": many({"type": text(required=True), "field": text()}, api="placementStrategy"),
        "forceDelete": flag(kept=True),
        "forceNewDeployment": flag(kept=True),
        "triggers": mapping(kept=True, computed=True),
        "waitForSteadyState": flag(kept=True),
        "sigintRollback": flag(kept=True),
    }

    def check(self, inputs: Object) -> list[tuple[str, str]]:
        if inputs.get("sigintRollback") and not inputs.get("waitForSteadyState"):
            return [("sigintRollback", "sigintRollback needs waitForSteadyState")]
        return []

    def create(self, op: Op) -> str:
        sent = {"desiredCount": 0, **self._sent(op, set(self.props))}
        if sent.get("schedulingStrategy") == "DAEMON":
            del sent["desiredCount"]
        if op.tags:
            sent["tags"] = tag_list(op.tags, "key", "value")
        service = op.client("ecs").create_service(**sent)["service"]
        op.created(service["serviceArn"])
        self._settle(op)
        return op.id

    def _sent(self, op: Op, names: set[str]) -> dict[str, Any]:
        """API parameters of these properties."""
        sent = {key: value for key, value in self.send(op, *(names & set(self.props))).items() if key}
        if "networkConfiguration" in names and (network := op.inputs.get("networkConfiguration")):
            vpc = {**network, "assignPublicIp": "ENABLED" if network.get("assignPublicIp") else "DISABLED"}
            sent["networkConfiguration"] = {"awsvpcConfiguration": vpc}
        if names & _DEPLOYMENT:
            sent["deploymentConfiguration"] = self._deployment(op.inputs)
        return sent

    def _deployment(self, inputs: Object) -> dict[str, Any]:
        strategy = to_api(_STRATEGY, inputs.get("deploymentConfiguration") or {}, upper=False)
        sent: dict[str, Any] = _numbers(strategy)
        sent["maximumPercent"] = inputs.get("deploymentMaximumPercent")
        sent["minimumHealthyPercent"] = inputs.get("deploymentMinimumHealthyPercent")
        sent["deploymentCircuitBreaker"] = inputs.get("deploymentCircuitBreaker") or {
            "enable": False,
            "rollback": False,
        }
        if alarms := inputs.get("alarms"):
            sent["alarms"] = alarms
        return sent

    def _describe(self, op: Op) -> dict[str, Any] | None:
        cluster, service = _address(op.id)
        found = op.client("ecs").describe_services(cluster=cluster, services=[service], include=["TAGS"])["services"]
        return found[0] if found and found[0]["status"] != "INACTIVE" else None

    def read(self, op: Op) -> Object | None:
        answer = self._describe(op)
        if answer is None:
            return None
        known = {**op.old, **op.inputs}
        values = {key: value for key, value in self.receive(answer).items() if key not in _DEPLOYMENT}
        values |= _deployment_state(answer.get("deploymentConfiguration") or {})
        values["cluster"] = _in_form(answer["clusterArn"], known.get("cluster"))
        if answer.get("taskDefinition"):
            values["taskDefinition"] = _in_form(answer["taskDefinition"], known.get("taskDefinition"))
        network = (answer.get("networkConfiguration") or {}).get("awsvpcConfiguration")
        values.pop("networkConfiguration", None)
        if values.get("propagateTags") == "NONE":
            del values["propagateTags"]  # AWS's word for not given
        if network:
            values["networkConfiguration"] = {**network, "assignPublicIp": network.get("assignPublicIp") == "ENABLED"}
        arn = answer["serviceArn"]
        return {**values, "id": arn, "arn": arn, "tagsAll": tag_map(answer.get("tags"), "key", "value")}

    def update(self, op: Op) -> None:
        cluster, service = _address(op.id)
        sent = self._sent(op, set(op.changed))
        for key in ("serviceName", "cluster", "launchType", "role", "schedulingStrategy", "deploymentController"):
            sent.pop(key, None)
        force = bool(op.inputs.get("forceNewDeployment") and ({"triggers", "forceNewDeployment"} & op.changed or sent))
        for key, empty in (("loadBalancers", []), ("propagateTags", "NONE"), ("healthCheckGracePeriodSeconds", 0)):
            if key in op.changed and key not in op.inputs:
                sent[key] = empty
        if not sent and not force:
            return
        op.client("ecs").update_service(
            cluster=cluster, service=service, **sent, **({"forceNewDeployment": True} if force else {})
        )
        self._settle(op)

    def _settle(self, op: Op) -> None:
        """With waitForSteadyState: the newest deployment completes, or its reason is reported."""
        if not op.inputs.get("waitForSteadyState"):
            return
        primary = _primary(self._describe(op))

        def steady() -> bool:
            service = self._describe(op)
            if service is None:
                raise Unsettled("the service disappeared while it was waited for")
            deployments = service.get("deployments", [])
            mine = next((one for one in deployments if one["id"] == primary), None)
            if mine is None or mine.get("rolloutState") == "FAILED":
                reason = (mine or {}).get("rolloutStateReason") or "it was rolled back"
                raise Unsettled(f"its deployment {primary} failed: {reason}")
            op.say(f"{service['runningCount']} of {service['desiredCount']} tasks running")
            settled = mine.get("rolloutState", "COMPLETED") == "COMPLETED"
            return settled and len(deployments) == 1 and service["runningCount"] == service["desiredCount"]

        op.wait("the service to be steady", steady, _SECONDS)

    def delete(self, op: Op) -> None:
        service = self._describe(op)
        if service is None:
            return
        cluster, named = _address(op.id)
        ecs = op.client("ecs")
        force = bool(op.old.get("forceDelete"))
        if service["status"] != "DRAINING" and not force and service.get("schedulingStrategy") != "DAEMON":
            ecs.update_service(cluster=cluster, service=named, desiredCount=0)

        def deleted() -> bool:
            try:
                ecs.delete_service(cluster=cluster, service=named, force=force)
            except ApiError as error:
                if error.code != "InvalidParameterException" or "deployment" not in error.message.lower():
                    raise
                return False
            return True

        op.wait("the service's deployments to end", deleted, _SECONDS)
        op.wait("the service to be inactive", lambda: self._describe(op) is None, _SECONDS)

    def retag(self, op: Op, put: dict[str, str], removed: list[str]) -> None:
        retag(op, op.old["arn"], put, removed)


def _address(resource_id: str) -> tuple[str, str]:
    """Cluster and service of an ARN or an import id."""
    parts = resource_id.split(":service/")[-1].split("/")
    return (parts[0], parts[1]) if len(parts) > 1 else ("default", parts[0])


def _in_form(arn: str, given: str | None) -> str:
    """The ARN, or the name alone when the program uses names."""
    return arn.split("/", 1)[-1] if given and not given.startswith("arn:") else arn


def _primary(service: dict[str, Any] | None) -> str:
    deployments = (service or {}).get("deployments", [])
    return next((one["id"] for one in deployments if one.get("status") == "PRIMARY"), "")


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: int(item) if key in _WHOLE else _numbers(item) for key, item in value.items()}
    return [_numbers(item) for item in value] if isinstance(value, list) else value


def _texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: str(item) if key in _WHOLE else _texts(item) for key, item in value.items()}
    return [_texts(item) for item in value] if isinstance(value, list) else value


def _deployment_state(answer: dict[str, Any]) -> Object:
    values: Object = {
        "deploymentMaximumPercent": answer.get("maximumPercent", 200),
        "deploymentMinimumHealthyPercent": answer.get("minimumHealthyPercent", 100),
    }
    breaker = answer.get("deploymentCircuitBreaker")
    if breaker:
        values["deploymentCircuitBreaker"] = {key: bool(breaker.get(key)) for key in ("enable", "rollback")}
    if (answer.get("alarms") or {}).get("alarmNames"):
        values["alarms"] = answer["alarms"]
    strategy = {key: _texts(answer[key]) for key in _STRATEGY if answer.get(key)}
    if strategy:
        values["deploymentConfiguration"] = strategy
    return values
