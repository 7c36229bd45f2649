"""ELBv2's wire format where MiniStack leaves parts out: forwards to several groups, conditions on the query string."""

from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import alb

Params = dict[str, Any]


def parse_actions(original: Callable[..., Any]) -> Callable[..., Any]:
    """Actions with their ForwardConfig: several groups, weights, stickiness between groups."""

    def parse(params: Params, prefix: str = "DefaultActions") -> Any:
        actions = original(params, prefix)
        for index, action in enumerate(actions, 1):
            if action["Type"] == "forward":
                _read_forward(params, f"{prefix}.member.{index}.ForwardConfig", action)
        return actions

    return parse


def _read_forward(params: Params, base: str, action: Params) -> None:
    groups: list[Params] = []
    while arn := alb._p(params, f"{base}.TargetGroups.member.{len(groups) + 1}.TargetGroupArn"):
        weight = alb._p(params, f"{base}.TargetGroups.member.{len(groups) + 1}.Weight", "1")
        groups.append({"TargetGroupArn": arn, "Weight": int(weight or 1)})
    if not groups and action.get("TargetGroupArn"):
        groups = [{"TargetGroupArn": action["TargetGroupArn"], "Weight": 1}]
    if len(groups) == 1:
        action["TargetGroupArn"] = groups[0]["TargetGroupArn"]
    enabled = alb._p(params, f"{base}.TargetGroupStickinessConfig.Enabled") or "false"
    seconds = alb._p(params, f"{base}.TargetGroupStickinessConfig.DurationSeconds")
    stickiness: Params = {"Enabled": enabled.lower() == "true"}
    if seconds:
        stickiness["DurationSeconds"] = int(seconds)
    action["ForwardConfig"] = {"TargetGroups": groups, "TargetGroupStickinessConfig": stickiness}


def action_xml(original: Callable[..., str]) -> Callable[..., str]:
    """Actions with their ForwardConfig, as AWS shows them also for a single group."""

    def xml(action: Params) -> str:
        text = original(action)
        config = action.get("ForwardConfig")
        if not config:
            return text
        groups = "".join(
            f"<member><TargetGroupArn>{group['TargetGroupArn']}</TargetGroupArn><Weight>{group['Weight']}</Weight></member>"
            for group in config["TargetGroups"]
        )
        sticky = config["TargetGroupStickinessConfig"]
        seconds = (
            f"<DurationSeconds>{sticky['DurationSeconds']}</DurationSeconds>" if "DurationSeconds" in sticky else ""
        )
        shown = (
            f"<ForwardConfig><TargetGroups>{groups}</TargetGroups><TargetGroupStickinessConfig>"
            f"<Enabled>{str(sticky['Enabled']).lower()}</Enabled>{seconds}"
            "</TargetGroupStickinessConfig></ForwardConfig>"
        )
        return text.removesuffix("</member>") + shown + "</member>"

    return xml


def parse_conditions(original: Callable[..., Any]) -> Callable[..., Any]:
    """Conditions with their QueryStringConfig."""

    def parse(params: Params, prefix: str = "Conditions") -> Any:
        conditions = original(params, prefix)
        for index, condition in enumerate(conditions, 1):
            if condition["Field"] == "query-string":
                base = f"{prefix}.member.{index}.QueryStringConfig.Values.member"
                values: list[Params] = []
                while value := alb._p(params, f"{base}.{len(values) + 1}.Value"):
                    key = alb._p(params, f"{base}.{len(values) + 1}.Key")
                    values.append({"Key": key, "Value": value} if key else {"Value": value})
                condition["QueryStringConfig"] = {"Values": values}
        return conditions

    return parse


def condition_xml(original: Callable[..., str]) -> Callable[..., str]:
    """Conditions with their QueryStringConfig."""

    def xml(condition: Params) -> str:
        text = original(condition)
        values = (condition.get("QueryStringConfig") or {}).get("Values")
        if not values:
            return text
        shown = "".join(
            "<member>"
            + "".join(f"<{key}>{escape(pair[key])}</{key}>" for key in ("Key", "Value") if key in pair)
            + "</member>"
            for pair in values
        )
        query = f"<QueryStringConfig><Values>{shown}</Values></QueryStringConfig>"
        return text.removesuffix("</member>") + query + "</member>"

    return xml
