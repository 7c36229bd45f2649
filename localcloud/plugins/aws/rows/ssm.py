"""SSM: parameters. The value is always secret."""

from ...values import Object
from ..properties import flag, name, text
from ..row import Op, Row, row, tag_list, tag_map


@row
class Parameter(Row):
    token = "aws:ssm/parameter:Parameter"
    import_id = "the parameter's name"
    tagged = True
    gone = ("ParameterNotFound", "ParameterNotFoundException")
    outputs = ("version",)
    unstable = {
        "version": ("value", "insecureValue", "type", "description", "tier", "allowedPattern", "dataType", "keyId")
    }
    props = {
        "name": name(2048),
        "type": text(required=True),
        "value": text(computed=True, imported=True, secret=True),
        "insecureValue": text(computed=True, api=""),
        "description": text(),
        "keyId": text(computed=True),
        "tier": text(computed=True),
        "dataType": text(computed=True),
        "allowedPattern": text(),
        "overwrite": flag(kept=True),
        "arn": text(computed=True, api=""),
    }

    def check(self, inputs: Object) -> list[tuple[str, str]]:
        given = [key for key in ("value", "insecureValue") if inputs.get(key) is not None]
        if len(given) != 1:
            return [
                ("value", f"{self.token} needs exactly one of value, insecureValue, got {', '.join(given) or 'none'}")
            ]
        if inputs.get("type") not in ("String", "StringList", "SecureString"):
            return [("type", f"type is String, StringList or SecureString, got {inputs.get('type')!r}")]
        return []

    def _put(self, op: Op, overwrite: bool, tags: dict[str, str]) -> None:
        sent = self.send(op)
        sent.setdefault("Value", op.inputs.get("insecureValue"))
        if op.inputs["type"] != "SecureString":
            sent.pop("KeyId", None)
        op.client("ssm").put_parameter(**sent, Overwrite=overwrite, **({"Tags": tag_list(tags)} if tags else {}))

    def create(self, op: Op) -> str:
        overwrite = bool(op.inputs.get("overwrite"))
        self._put(op, overwrite, {} if overwrite else op.tags)  # AWS refuses tags together with an overwrite
        op.created(op.inputs["name"])
        if overwrite and op.tags:
            self.retag(op, op.tags, [])
        return op.id

    def read(self, op: Op) -> Object | None:
        ssm = op.client("ssm")
        found = ssm.get_parameter(Name=op.id, WithDecryption=True)["Parameter"]
        about = ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": [op.id]}])
        details: Object = next((one for one in about["Parameters"] if one["Name"] == op.id), {})
        values = self.receive({**details, **found})
        if {**op.old, **op.inputs}.get("insecureValue") is not None:
            values["insecureValue"] = values.pop("value")
        tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=op.id)
        return {
            **{key: value for key, value in values.items() if value != ""},
            "arn": found.get("ARN") or op.aws.arn("ssm", f"parameter/{op.id.lstrip('/')}"),
            "version": found["Version"],
            "tagsAll": tag_map(tags.get("TagList")),
        }

    def update(self, op: Op) -> None:
        self._put(op, True, {})

    def delete(self, op: Op) -> None:
        op.client("ssm").delete_parameter(Name=op.id)

    def retag(self, op: Op, put: dict[str, str], removed: list[str]) -> None:
        if removed:
            op.client("ssm").remove_tags_from_resource(ResourceType="Parameter", ResourceId=op.id, TagKeys=removed)
        if put:
            op.client("ssm").add_tags_to_resource(ResourceType="Parameter", ResourceId=op.id, Tags=tag_list(put))
