"""DynamoDB: tables without secondary indexes."""

from typing import Any

from ...values import Object
from ..properties import flag, many, name, one, text, whole
from ..row import Op, Row, row, tag_list, tag_map
from ..session import ApiError

_SECONDS = 600


@row
class Table(Row):
    token = "aws:dynamodb/table:Table"
    import_id = "the table's name"
    tagged = True
    gone = ("ResourceNotFoundException",)
    outputs = ("arn", "streamArn", "streamLabel")
    props = {
        "name": name(255, api="TableName"),
        "attributes": many({"name": text(required=True), "type": text(required=True)}, unordered=True, api=""),
        "hashKey": text(computed=True, replace=True, api=""),
        "rangeKey": text(replace=True, api=""),
        "billingMode": text(default="PROVISIONED"),
        "readCapacity": whole(computed=True, api=""),
        "writeCapacity": whole(computed=True, api=""),
        "tableClass": text(),
        "deletionProtectionEnabled": flag(),
        "ttl": one({"attributeName": text(), "enabled": flag(default=False)}, computed=True, api=""),
        "pointInTimeRecovery": one({"enabled": flag(required=True)}, computed=True, api=""),
    }

    def create(self, op: Op) -> str:
        given, sent = op.inputs, self.send(op)
        keys = [("hashKey", "HASH"), ("rangeKey", "RANGE")]
        sent["KeySchema"] = [{"AttributeName": given[key], "KeyType": kind} for key, kind in keys if given.get(key)]
        sent["AttributeDefinitions"] = [
            {"AttributeName": one["name"], "AttributeType": one["type"]} for one in given.get("attributes", [])
        ]
        if given["billingMode"] == "PROVISIONED":
            sent["ProvisionedThroughput"] = self._throughput(given)
        if op.tags:
            sent["Tags"] = tag_list(op.tags)
        op.client("dynamodb").create_table(**sent)
        op.created(given["name"])
        self._wait_active(op)
        self._extras(op, {key for key in ("ttl", "pointInTimeRecovery") if key in given})
        return op.id

    def _throughput(self, given: Object) -> dict[str, int]:
        return {"ReadCapacityUnits": given.get("readCapacity", 1), "WriteCapacityUnits": given.get("writeCapacity", 1)}

    def _wait_active(self, op: Op) -> None:
        def active() -> bool:
            return bool(op.client("dynamodb").describe_table(TableName=op.id)["Table"]["TableStatus"] == "ACTIVE")

        op.wait("the table to be active", active, _SECONDS)

    def _extras(self, op: Op, names: Any) -> None:
        if "ttl" in names:
            ttl = op.inputs.get("ttl") or {
                "attributeName": (op.old.get("ttl") or {}).get("attributeName", ""),
                "enabled": False,
            }
            wanted = {"AttributeName": ttl.get("attributeName", ""), "Enabled": bool(ttl.get("enabled"))}
            op.client("dynamodb").update_time_to_live(TableName=op.id, TimeToLiveSpecification=wanted)
        if "pointInTimeRecovery" in names:
            enabled = bool((op.inputs.get("pointInTimeRecovery") or {}).get("enabled"))
            op.client("dynamodb").update_continuous_backups(
                TableName=op.id, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": enabled}
            )

    def read(self, op: Op) -> Object | None:
        dynamodb = op.client("dynamodb")
        answer = dynamodb.describe_table(TableName=op.id)["Table"]
        keys = {one["KeyType"]: one["AttributeName"] for one in answer["KeySchema"]}
        throughput = answer.get("ProvisionedThroughput") or {}
        ttl = dynamodb.describe_time_to_live(TableName=op.id).get("TimeToLiveDescription") or {}
        backups = dynamodb.describe_continuous_backups(TableName=op.id)["ContinuousBackupsDescription"]
        recovery = backups.get("PointInTimeRecoveryDescription") or {}
        values = {
            **self.receive(answer),
            "attributes": [
                {"name": one["AttributeName"], "type": one["AttributeType"]} for one in answer["AttributeDefinitions"]
            ],
            "hashKey": keys["HASH"],
            "billingMode": (answer.get("BillingModeSummary") or {}).get("BillingMode", "PROVISIONED"),
            "readCapacity": throughput.get("ReadCapacityUnits", 0),
            "writeCapacity": throughput.get("WriteCapacityUnits", 0),
            "ttl": {
                "attributeName": ttl.get("AttributeName", ""),
                "enabled": ttl.get("TimeToLiveStatus") in ("ENABLED", "ENABLING"),
            },
            "pointInTimeRecovery": {"enabled": recovery.get("PointInTimeRecoveryStatus") == "ENABLED"},
            "deletionProtectionEnabled": bool(answer.get("DeletionProtectionEnabled")),
            "arn": answer["TableArn"],
            "streamArn": answer.get("LatestStreamArn", ""),
            "streamLabel": answer.get("LatestStreamLabel", ""),
            "tagsAll": tag_map(dynamodb.list_tags_of_resource(ResourceArn=answer["TableArn"]).get("Tags")),
        }
        if "RANGE" in keys:
            values["rangeKey"] = keys["RANGE"]
        if table_class := (answer.get("TableClassSummary") or {}).get("TableClass"):
            values["tableClass"] = table_class
        return values

    def update(self, op: Op) -> None:
        given, sent = op.inputs, {}
        if op.changed & {"billingMode", "readCapacity", "writeCapacity"}:
            sent["BillingMode"] = given["billingMode"]
            if given["billingMode"] == "PROVISIONED":
                sent["ProvisionedThroughput"] = self._throughput(given)
        if "tableClass" in op.changed:
            sent["TableClass"] = given.get("tableClass", "STANDARD")
        if "deletionProtectionEnabled" in op.changed:
            sent["DeletionProtectionEnabled"] = bool(given.get("deletionProtectionEnabled"))
        if sent:
            op.client("dynamodb").update_table(TableName=op.id, **sent)
            self._wait_active(op)
        self._extras(op, op.changed)

    def delete(self, op: Op) -> None:
        op.client("dynamodb").delete_table(TableName=op.id)

        def deleted() -> bool:
            try:
                op.client("dynamodb").describe_table(TableName=op.id)
            except ApiError as error:
                if self.is_gone(error):
                    return True
                raise
            return False

        op.wait("the table to be gone", deleted, _SECONDS)

    def retag(self, op: Op, put: dict[str, str], removed: list[str]) -> None:
        if removed:
            op.client("dynamodb").untag_resource(ResourceArn=op.old["arn"], TagKeys=removed)
        if put:
            op.client("dynamodb").tag_resource(ResourceArn=op.old["arn"], Tags=tag_list(put))
