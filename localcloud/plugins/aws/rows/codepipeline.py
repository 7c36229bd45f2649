"""CodePipeline: pipelines."""

from typing import Any

from ...values import Object
from ..properties import from_api, many, mapping, name, text, texts, to_api, whole
from ..row import Op, Row, row, tag_list, tag_map

_ACTION = {
    "name": text(required=True),
    "category": text(required=True),
    "owner": text(required=True),
    "provider": text(required=True),
    "version": text(required=True),
    "configuration": mapping(),
    "inputArtifacts": texts(),
    "outputArtifacts": texts(),
    "runOrder": whole(computed=True),
    "roleArn": text(),
}
_KIND = ("category", "owner", "provider", "version")


@row
class Pipeline(Row):
    token = "aws:codepipeline/pipeline:Pipeline"
    import_id = "the pipeline's name"
    upper = False
    tagged = True
    gone = ("PipelineNotFoundException",)
    outputs = ("arn",)
    props = {
        "name": name(100),
        "roleArn": text(required=True),
        "pipelineType": text(default="V1"),
        "executionMode": text(default="SUPERSEDED"),
        "artifactStores": many({"type": text(required=True), "location": text(required=True)}, required=True, api=""),
        "stages": many({"name": text(required=True), "actions": many(_ACTION, required=True)}, required=True, api=""),
    }

    def _declaration(self, op: Op) -> dict[str, Any]:
        stages = [
            {"name": stage["name"], "actions": [_sent(action) for action in stage["actions"]]}
            for stage in op.inputs["stages"]
        ]
        return {**self.send(op), "artifactStore": op.inputs["artifactStores"][0], "stages": stages}

    def create(self, op: Op) -> str:
        tags = tag_list(op.tags, "key", "value")
        op.client("codepipeline").create_pipeline(pipeline=self._declaration(op), tags=tags)
        return op.created(op.inputs["name"])

    def read(self, op: Op) -> Object | None:
        client = op.client("codepipeline")
        found = client.get_pipeline(name=op.id)
        pipeline, arn = found["pipeline"], found["metadata"]["pipelineArn"]
        stages = [
            {"name": stage["name"], "actions": [_received(action) for action in stage["actions"]]}
            for stage in pipeline["stages"]
        ]
        return {
            **self.receive(pipeline),
            "artifactStores": [{key: pipeline["artifactStore"][key] for key in ("type", "location")}],
            "stages": stages,
            "arn": arn,
            "tagsAll": tag_map(client.list_tags_for_resource(resourceArn=arn)["tags"], "key", "value"),
        }

    def update(self, op: Op) -> None:
        if op.changed:
            op.client("codepipeline").update_pipeline(pipeline=self._declaration(op))

    def delete(self, op: Op) -> None:
        op.client("codepipeline").delete_pipeline(name=op.id)

    def retag(self, op: Op, put: dict[str, str], removed: list[str]) -> None:
        client, arn = op.client("codepipeline"), op.old["arn"]
        if removed:
            client.untag_resource(resourceArn=arn, tagKeys=removed)
        if put:
            client.tag_resource(resourceArn=arn, tags=tag_list(put, "key", "value"))


def _sent(action: Object) -> dict[str, Any]:
    values = to_api(_ACTION, action, upper=False)
    values["actionTypeId"] = {key: values.pop(key) for key in _KIND}
    for key in ("inputArtifacts", "outputArtifacts"):
        values[key] = [{"name": artifact} for artifact in values.get(key) or []]
    return values


def _received(action: dict[str, Any]) -> Object:
    kind = action["actionTypeId"]
    values = {**action, **{key: kind[key] for key in _KIND}}
    for key in ("inputArtifacts", "outputArtifacts"):
        values[key] = [artifact["name"] for artifact in action.get(key) or []]
    return {key: value for key, value in from_api(_ACTION, values, upper=False).items() if value not in ([], {})}
