"""ECS task definitions: every change is a new revision; the old one is deregistered unless skipDestroy."""

import json
from typing import Any

from ...values import Object
from ..properties import flag, json_text, many, one, text, texts, whole
from ..row import Op, Row, row, tag_list, tag_map

_DEFAULTS: dict[str, Any] = {"essential": True, "cpu": 0}
_BY_NAME = ("environment", "secrets")


def containers_meaning(definitions: Any) -> Any:
    """Container definitions in one form: AWS's defaults and empty lists left out, variables by name."""
    return sorted((_container(one) for one in definitions), key=lambda one: str(one.get("name")))


def _container(definition: dict[str, Any]) -> dict[str, Any]:
    kept = {
        key: value for key, value in definition.items() if value not in (None, [], {}) and value != _DEFAULTS.get(key)
    }
    for key in _BY_NAME:
        if key in kept:
            kept[key] = sorted(kept[key], key=lambda item: str(item.get("name")))
    if "portMappings" in kept:
        kept["portMappings"] = [_port(mapping) for mapping in kept["portMappings"]]
    return kept


def _port(mapping: dict[str, Any]) -> dict[str, Any]:
    ports = {"protocol": "tcp", **mapping}
    # On awsvpc AWS repeats the container's port as the host's; 0 means the same as nothing.
    if ports.get("hostPort") in (0, None, ports.get("containerPort")):
        ports.pop("hostPort", None)
    return ports


@row
class TaskDefinition(Row):
    token = "aws:ecs/taskDefinition:TaskDefinition"
    import_id = "the task definition's ARN"
    upper = False
    tagged = True
    gone = ("ClientException",)
    outputs = ("arn", "arnWithoutRevision", "revision")
    props = {
        "family": text(required=True, replace=True),
        "containerDefinitions": json_text(required=True, replace=True, meaning=containers_meaning),
        "cpu": text(replace=True),
        "memory": text(replace=True),
        "executionRoleArn": text(replace=True),
        "taskRoleArn": text(replace=True),
        "networkMode": text(replace=True, computed=True),
        "requiresCompatibilities": texts(replace=True, unordered=True),
        "ephemeralStorage": one({"sizeInGib": whole(required=True, replace=True, api="sizeInGiB")}, replace=True),
        "runtimePlatform": one(
            {"cpuArchitecture": text(replace=True), "operatingSystemFamily": text(replace=True)}, replace=True
        ),
        "ipcMode": text(replace=True),
        "pidMode": text(replace=True),
        "placementConstraints": many(
            {"type": text(required=True, replace=True), "expression": text(replace=True)}, replace=True, unordered=True
        ),
        "volumes": many(
            {"name": text(required=True, replace=True), "hostPath": text(replace=True)}, replace=True, unordered=True
        ),
        "skipDestroy": flag(kept=True),
        "trackLatest": flag(kept=True),
    }

    def create(self, op: Op) -> str:
        sent = self.send(op)
        sent["containerDefinitions"] = json.loads(op.inputs["containerDefinitions"])
        if "volumes" in sent:
            sent["volumes"] = [_volume(volume) for volume in op.inputs["volumes"]]
        if op.tags:
            sent["tags"] = tag_list(op.tags, "key", "value")
        answer = op.client("ecs").register_task_definition(**sent)["taskDefinition"]
        op.old = {"arn": answer["taskDefinitionArn"]}
        return op.created(op.inputs["family"])

    def read(self, op: Op) -> Object | None:
        latest = op.id if op.old.get("trackLatest") else ""
        wanted = latest or op.old.get("arn") or op.id
        found = op.client("ecs").describe_task_definition(taskDefinition=wanted, include=["TAGS"])
        answer = found["taskDefinition"]
        if answer.get("status") == "INACTIVE":
            return None
        values = self.receive(answer)
        values["containerDefinitions"] = json.dumps(answer["containerDefinitions"])
        if "volumes" in answer:
            values["volumes"] = [_volume_state(volume) for volume in answer["volumes"]]
        return {
            **values,
            "id": answer["family"],
            "arn": answer["taskDefinitionArn"],
            "arnWithoutRevision": answer["taskDefinitionArn"].rsplit(":", 1)[0],
            "revision": answer["revision"],
            "tagsAll": tag_map(found.get("tags"), "key", "value"),
        }

    def delete(self, op: Op) -> None:
        if not op.old.get("skipDestroy"):
            op.client("ecs").deregister_task_definition(taskDefinition=op.old["arn"])

    def retag(self, op: Op, put: dict[str, str], removed: list[str]) -> None:
        retag(op, op.old["arn"], put, removed)


def _volume(volume: Object) -> Object:
    path = {"host": {"sourcePath": volume["hostPath"]}} if volume.get("hostPath") else {}
    return {"name": volume["name"], **path}


def _volume_state(volume: Object) -> Object:
    path = (volume.get("host") or {}).get("sourcePath")
    return {"name": volume["name"], **({"hostPath": path} if path else {})}


def retag(op: Op, arn: str, put: dict[str, str], removed: list[str]) -> None:
    """ECS's way to change tags."""
    if removed:
        op.client("ecs").untag_resource(resourceArn=arn, tagKeys=removed)
    if put:
        op.client("ecs").tag_resource(resourceArn=arn, tags=tag_list(put, "key", "value"))
