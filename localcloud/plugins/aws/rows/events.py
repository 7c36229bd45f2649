"""EventBridge, which the SDK files under cloudwatch: rules and their targets."""

from typing import Any

from ...values import Object
from ..properties import json_text, mapping, name, one, text
from ..row import Op, Row, row, tag_list, tag_map


@row
class EventRule(Row):
    token = "aws:cloudwatch/eventRule:EventRule"
    import_id = "the rule's name"
    tagged = True
    gone = ("ResourceNotFoundException",)
    outputs = ("arn",)
    props = {
        "name": name(64),
        "description": text(),
        "eventPattern": json_text(),
        "scheduleExpression": text(),
        "state": text(default="ENABLED"),
    }

    def create(self, op: Op) -> str:
        tags = {"Tags": tag_list(op.tags)} if op.tags else {}
        op.client("events").put_rule(**self.send(op), **tags)
        return op.created(op.inputs["name"])

    def read(self, op: Op) -> Object | None:
        events = op.client("events")
        found = events.describe_rule(Name=op.id)
        values = {key: value for key, value in self.receive(found).items() if value != ""}
        tags = tag_map(events.list_tags_for_resource(ResourceARN=found["Arn"])["Tags"])
        return {**values, "arn": found["Arn"], "tagsAll": tags}

    def update(self, op: Op) -> None:
        if op.changed:
            op.client("events").put_rule(**self.send(op))

    def delete(self, op: Op) -> None:
        op.client("events").delete_rule(Name=op.id)

    def retag(self, op: Op, put: dict[str, str], removed: list[str]) -> None:
        events, arn = op.client("events"), op.old["arn"]
        if removed:
            events.untag_resource(ResourceARN=arn, TagKeys=removed)
        if put:
            events.tag_resource(ResourceARN=arn, Tags=tag_list(put))


@row
class EventTarget(Row):
    """Its id is `<rule>-<target id>`, as the real provider has it."""

    token = "aws:cloudwatch/eventTarget:EventTarget"
    import_id = "<rule>/<target id>"
    gone = ("ResourceNotFoundException",)
    props = {
        "rule": text(required=True, replace=True, api=""),
        "targetId": name(64, api="Id"),
        "arn": text(required=True),
        "roleArn": text(),
        "input": json_text(),
        "inputPath": text(),
        "inputTransformer": one(
            {"inputPaths": mapping(api="InputPathsMap"), "inputTemplate": text(required=True)},
        ),
    }

    def create(self, op: Op) -> str:
        self.update(op)
        return op.created(f"{op.inputs['rule']}-{op.inputs['targetId']}")

    def update(self, op: Op) -> None:
        answer = op.client("events").put_targets(Rule=op.inputs["rule"], Targets=[self.send(op)])
        _accepted(answer)

    def read(self, op: Op) -> Object | None:
        known = {**op.inputs, **op.old}
        rule, target = known.get("rule"), known.get("targetId")
        if not rule:
            rule, _, target = op.id.partition("/")
        listed = op.client("events").list_targets_by_rule(Rule=rule)["Targets"]
        found = next((one for one in listed if one["Id"] == target), None)
        return {**self.receive(found), "rule": rule, "id": f"{rule}-{target}"} if found else None

    def delete(self, op: Op) -> None:
        _accepted(op.client("events").remove_targets(Rule=op.old["rule"], Ids=[op.old["targetId"]]))


def _accepted(answer: dict[str, Any]) -> None:
    from ...server import PluginError

    for entry in answer.get("FailedEntries") or []:
        raise PluginError(f"the target was refused: {entry.get('ErrorMessage') or entry.get('ErrorCode')}")
