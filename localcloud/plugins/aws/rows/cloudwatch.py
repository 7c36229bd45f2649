"""CloudWatch: log groups, alarms, dashboards."""

from ...values import Object
from ..properties import Prop, flag, json_text, many, mapping, name, number, one, text, texts, whole
from ..row import Op, Row, row, tag_list, tag_map


@row
class LogGroup(Row):
    token = "aws:cloudwatch/logGroup:LogGroup"
    import_id = "the log group's name"
    upper = False
    tagged = True
    gone = ("ResourceNotFoundException",)
    outputs = ("arn",)
    props = {
        "name": name(512, api="logGroupName"),
        "retentionInDays": whole(default=0, api=""),
        "kmsKeyId": text(),
        "logGroupClass": text(computed=True, replace=True),
        "skipDestroy": flag(default=False, kept=True),
    }

    def create(self, op: Op) -> str:
        tags = {"tags": op.tags} if op.tags else {}
        op.client("logs").create_log_group(**self.send(op), **tags)
        op.created(op.inputs["name"])
        if op.inputs["retentionInDays"]:
            self._retain(op)
        return op.id

    def _retain(self, op: Op) -> None:
        days = op.inputs["retentionInDays"]
        if days:
            op.client("logs").put_retention_policy(logGroupName=op.id, retentionInDays=days)
        else:
            op.client("logs").delete_retention_policy(logGroupName=op.id)

    def read(self, op: Op) -> Object | None:
        logs = op.client("logs")
        groups = logs.pages("describe_log_groups", "logGroups", logGroupNamePrefix=op.id)
        found = next((one for one in groups if one["logGroupName"] == op.id), None)
        if found is None:
            return None
        arn = found["arn"].removesuffix(":*")
        return {
            **self.receive(found),
            "retentionInDays": found.get("retentionInDays", 0),
            "arn": arn,
            "tagsAll": logs.list_tags_for_resource(resourceArn=arn).get("tags", {}),
        }

    def update(self, op: Op) -> None:
        if "retentionInDays" in op.changed:
            self._retain(op)
        if "kmsKeyId" in op.changed:
            if key := op.inputs.get("kmsKeyId"):
                op.client("logs").associate_kms_key(logGroupName=op.id, kmsKeyId=key)
            else:
                op.client("logs").disassociate_kms_key(logGroupName=op.id)

    def delete(self, op: Op) -> None:
        if not op.old.get("skipDestroy"):
            op.client("logs").delete_log_group(logGroupName=op.id)

    def retag(self, op: Op, put: dict[str, str], removed: list[str]) -> None:
        if removed:
            op.client("logs").untag_resource(resourceArn=op.old["arn"], tagKeys=removed)
        if put:
            op.client("logs").tag_resource(resourceArn=op.old["arn"], tags=put)


def dimensions(values: dict[str, str]) -> list[dict[str, str]]:
    return tag_list(values, "Name", "Value")


_METRIC: dict[str, Prop] = {
    "metricName": text(required=True),
    "namespace": text(),
    "period": whole(required=True),
    "stat": text(required=True),
    "unit": text(),
    "dimensions": mapping(),
}
_QUERY: dict[str, Prop] = {
    "id": text(required=True),
    "accountId": text(),
    "expression": text(),
    "label": text(),
    "metric": one(_METRIC),
    "period": whole(),
    "returnData": flag(default=False),
}


@row
class MetricAlarm(Row):
    token = "aws:cloudwatch/metricAlarm:MetricAlarm"
    import_id = "the alarm's name"
    tagged = True
    gone = ("ResourceNotFound", "ResourceNotFoundException")
    outputs = ("arn",)
    props = {
        "name": name(255, api="AlarmName"),
        "alarmDescription": text(),
        "comparisonOperator": text(),
        "evaluationPeriods": whole(),
        "datapointsToAlarm": whole(),
        "metricName": text(),
        "namespace": text(),
        "dimensions": mapping(api=""),
        "statistic": text(),
        "extendedStatistic": text(),
        "period": whole(),
        "threshold": number(),
        "thresholdMetricId": text(),
        "unit": text(),
        "treatMissingData": text(default="missing"),
        "actionsEnabled": flag(default=True),
        "alarmActions": texts(unordered=True),
        "okActions": texts(unordered=True, api="OKActions"),
        "insufficientDataActions": texts(unordered=True),
        "metricQueries": many(_QUERY, unordered=True, api=""),
    }

    def check(self, inputs: Object) -> list[tuple[str, str]]:
        needed = ("comparisonOperator", "evaluationPeriods")
        return [(key, f"{self.token} needs the property '{key}'") for key in needed if inputs.get(key) is None]

    def create(self, op: Op) -> str:
        self._put(op, {"Tags": tag_list(op.tags)} if op.tags else {})
        return op.created(op.inputs["name"])

    def _put(self, op: Op, more: Object) -> None:
        sent = {**self.send(op), **more}
        if given := op.inputs.get("dimensions"):
            sent["Dimensions"] = dimensions(given)
        if queries := op.inputs.get("metricQueries"):
            sent["Metrics"] = [_query(query) for query in queries]
        op.client("cloudwatch").put_metric_alarm(**sent)

    def read(self, op: Op) -> Object | None:
        cloudwatch = op.client("cloudwatch")
        found = cloudwatch.describe_alarms(AlarmNames=[op.id], AlarmTypes=["MetricAlarm"])["MetricAlarms"]
        if not found:
            return None
        answer = found[0]
        queries = [_query_state(query) for query in answer.get("Metrics") or []]
        return {
            **{key: value for key, value in self.receive(answer).items() if value != ""},
            **({"dimensions": tag_map(answer["Dimensions"], "Name")} if answer.get("Dimensions") else {}),
            **({"metricQueries": queries} if queries else {}),
            "arn": answer["AlarmArn"],
            "tagsAll": tag_map(cloudwatch.list_tags_for_resource(ResourceARN=answer["AlarmArn"])["Tags"]),
        }

    def update(self, op: Op) -> None:
        self._put(op, {})

    def delete(self, op: Op) -> None:
        op.client("cloudwatch").delete_alarms(AlarmNames=[op.id])

    def retag(self, op: Op, put: dict[str, str], removed: list[str]) -> None:
        if removed:
            op.client("cloudwatch").untag_resource(ResourceARN=op.old["arn"], TagKeys=removed)
        if put:
            op.client("cloudwatch").tag_resource(ResourceARN=op.old["arn"], Tags=tag_list(put))


def _query(query: Object) -> Object:
    sent = {key[0].upper() + key[1:]: value for key, value in query.items() if key != "metric"}
    if metric := query.get("metric"):
        inner = {"MetricName": metric["metricName"], "Dimensions": dimensions(metric.get("dimensions") or {})}
        inner |= {"Namespace": metric["namespace"]} if metric.get("namespace") else {}
        unit = {"Unit": metric["unit"]} if metric.get("unit") else {}
        sent["MetricStat"] = {"Metric": inner, "Period": metric["period"], "Stat": metric["stat"], **unit}
    return sent


def _query_state(answer: Object) -> Object:
    state = {key[0].lower() + key[1:]: value for key, value in answer.items() if key != "MetricStat"}
    state.setdefault("returnData", False)
    if stat := answer.get("MetricStat"):
        inner = stat["Metric"]
        metric = {"metricName": inner["MetricName"], "period": stat["Period"], "stat": stat["Stat"]}
        metric |= {"namespace": inner["Namespace"]} if inner.get("Namespace") else {}
        metric |= {"unit": stat["Unit"]} if stat.get("Unit") else {}
        metric |= {"dimensions": tag_map(inner["Dimensions"], "Name")} if inner.get("Dimensions") else {}
        state["metric"] = metric
    return state


@row
class Dashboard(Row):
    token = "aws:cloudwatch/dashboard:Dashboard"
    import_id = "the dashboard's name"
    gone = ("ResourceNotFound", "DashboardNotFoundError")
    outputs = ("dashboardArn",)
    props = {
        "dashboardName": text(required=True, replace=True),
        "dashboardBody": json_text(required=True),
    }

    def create(self, op: Op) -> str:
        op.client("cloudwatch").put_dashboard(**self.send(op))
        return op.created(op.inputs["dashboardName"])

    def read(self, op: Op) -> Object | None:
        answer = op.client("cloudwatch").get_dashboard(DashboardName=op.id)
        return {**self.receive(answer), "dashboardArn": answer["DashboardArn"]}

    def update(self, op: Op) -> None:
        op.client("cloudwatch").put_dashboard(**self.send(op))

    def delete(self, op: Op) -> None:
        op.client("cloudwatch").delete_dashboards(DashboardNames=[op.id])
