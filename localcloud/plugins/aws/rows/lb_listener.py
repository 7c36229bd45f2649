"""Listeners and their rules: actions and conditions."""

from typing import Any

from ...values import Object
from ..properties import Prop, flag, many, one, text, texts, whole
from ..row import Op, row
from .lb import Elb, tags_of

_REDIRECT = {
    "host": text(default="#{host}"),
    "path": text(default="/#{path}"),
    "port": text(default="#{port}"),
    "protocol": text(default="#{protocol}"),
    "query": text(default="#{query}"),
    "statusCode": text(required=True),
}
_FIXED = {"contentType": text(required=True), "messageBody": text(), "statusCode": text(computed=True)}
_FORWARD = {
    "targetGroups": many(
        {"arn": text(required=True, api="TargetGroupArn"), "weight": whole(default=1)}, required=True, unordered=True
    ),
    "stickiness": one(
        {"enabled": flag(default=False), "duration": whole(required=True, api="DurationSeconds")},
        computed=True,
        api="TargetGroupStickinessConfig",
    ),
}
ACTION: dict[str, Prop] = {
    "type": text(required=True),
    "order": whole(computed=True),
    "targetGroupArn": text(computed=True, imported=True),
    "forward": one(_FORWARD, computed=True, api="ForwardConfig"),
    "redirect": one(_REDIRECT, api="RedirectConfig"),
    "fixedResponse": one(_FIXED, api="FixedResponseConfig"),
}
_CONFIGS = {"forward": ("forward", "targetGroupArn"), "redirect": ("redirect",), "fixed-response": ("fixedResponse",)}


def _wrong_actions(place: str, actions: Any) -> list[tuple[str, str]]:
    found = []
    for index, action in enumerate(actions if isinstance(actions, list) else []):
        kind = action.get("type") if isinstance(action, dict) else None
        if kind in _CONFIGS and not any(action.get(key) is not None for key in _CONFIGS[kind]):
            found.append((f"{place}[{index}]", f"an action of type {kind} needs {' or '.join(_CONFIGS[kind])}"))
        elif isinstance(kind, str) and kind not in _CONFIGS and len(kind) < 30:
            found.append(
                (f"{place}[{index}].type", f"the local cloud has no action {kind!r}; it has {', '.join(_CONFIGS)}")
            )
    return found


def _sent_actions(actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A single target group is sent the short way; a forward with weights replaces it."""
    for action in actions:
        if action.get("ForwardConfig"):
            action.pop("TargetGroupArn", None)
    return actions


def _told_actions(actions: list[Object], known: Object, key: str) -> list[Object]:
    """AWS answers with both the target group and a forward: only the one the program uses is told, on import both."""
    for action, program in zip(actions, known.get(key) or [], strict=False):
        if isinstance(program, dict) and action.get("targetGroupArn"):
            action.pop("targetGroupArn" if program.get("forward") else "forward", None)
    return actions


@row
class Listener(Elb):
    token = "aws:lb/listener:Listener"
    import_id = "the listener's ARN"
    gone = ("ListenerNotFound", "ListenerNotFoundException", "LoadBalancerNotFound")
    props = {
        "loadBalancerArn": text(required=True, replace=True),
        "port": whole(),
        "protocol": text(computed=True),
        "sslPolicy": text(computed=True),
        "alpnPolicy": text(api=""),
        "certificateArn": text(api=""),
        "defaultActions": many(ACTION, required=True),
    }

    def check(self, inputs: Object) -> list[tuple[str, str]]:
        return _wrong_actions("defaultActions", inputs.get("defaultActions"))

    def create(self, op: Op) -> str:
        made = op.client("elbv2").create_listener(**self._sent(op), **self.tags(op))["Listeners"][0]
        return op.created(made["ListenerArn"])

    def _sent(self, op: Op) -> dict[str, Any]:
        sent = self.send(op)
        sent["DefaultActions"] = _sent_actions(sent["DefaultActions"])
        sent.setdefault("Protocol", "HTTP")
        if certificate := op.inputs.get("certificateArn"):
            sent["Certificates"] = [{"CertificateArn": certificate}]
        if alpn := op.inputs.get("alpnPolicy"):
            sent["AlpnPolicy"] = [alpn]
        return sent

    def read(self, op: Op) -> Object | None:
        found = op.client("elbv2").describe_listeners(ListenerArns=[op.id])["Listeners"]
        if not found:
            return None
        answer = found[0]
        certificates = answer.get("Certificates") or []
        values = self.receive(answer)
        return {
            **values,
            "defaultActions": _told_actions(values["defaultActions"], {**op.old, **op.inputs}, "defaultActions"),
            **({"certificateArn": certificates[0]["CertificateArn"]} if certificates else {}),
            "arn": answer["ListenerArn"],
            "tagsAll": tags_of(op, answer["ListenerArn"]),
        }

    def update(self, op: Op) -> None:
        sent = self._sent(op)
        del sent["LoadBalancerArn"]
        op.client("elbv2").modify_listener(ListenerArn=op.id, **sent)

    def delete(self, op: Op) -> None:
        op.client("elbv2").delete_listener(ListenerArn=op.id)


_VALUES = {"values": texts(required=True, unordered=True)}
_CONDITION: dict[str, Prop] = {
    "hostHeader": one({"values": texts(unordered=True)}, api="HostHeaderConfig"),
    "pathPattern": one({"values": texts(unordered=True)}, api="PathPatternConfig"),
    "httpHeader": one({"httpHeaderName": text(required=True), "values": texts(unordered=True)}, api="HttpHeaderConfig"),
    "httpRequestMethod": one(_VALUES, api="HttpRequestMethodConfig"),
    "sourceIp": one({"values": texts(unordered=True)}, api="SourceIpConfig"),
    "queryStrings": many({"key": text(), "value": text(required=True)}, unordered=True, api=""),
}
_FIELDS = {
    "hostHeader": "host-header",
    "pathPattern": "path-pattern",
    "httpHeader": "http-header",
    "httpRequestMethod": "http-request-method",
    "sourceIp": "source-ip",
    "queryStrings": "query-string",
}


@row
class ListenerRule(Elb):
    token = "aws:lb/listenerRule:ListenerRule"
    import_id = "the rule's ARN"
    gone = ("RuleNotFound", "RuleNotFoundException", "ListenerNotFound")
    props = {
        "listenerArn": text(required=True, replace=True),
        "priority": whole(computed=True),
        "actions": many(ACTION, required=True),
        "conditions": many(_CONDITION, required=True, unordered=True, api=""),
    }

    def check(self, inputs: Object) -> list[tuple[str, str]]:
        found = _wrong_actions("actions", inputs.get("actions"))
        conditions = inputs.get("conditions")
        for index, condition in enumerate(conditions if isinstance(conditions, list) else []):
            if isinstance(condition, dict) and len(condition) != 1:
                found.append(
                    (f"conditions[{index}]", f"a condition has one of {', '.join(_CONDITION)}, got {len(condition)}")
                )
        return found

    def create(self, op: Op) -> str:
        elb = op.client("elbv2")
        sent = {**self.send(op), "Conditions": self._conditions(op.inputs)}
        sent["Actions"] = _sent_actions(sent["Actions"])
        sent.setdefault("Priority", self._next_priority(op))
        return op.created(elb.create_rule(**sent, **self.tags(op))["Rules"][0]["RuleArn"])

    def _next_priority(self, op: Op) -> int:
        rules = op.client("elbv2").describe_rules(ListenerArn=op.inputs["listenerArn"])["Rules"]
        return 1 + max((int(one["Priority"]) for one in rules if one["Priority"] != "default"), default=0)

    def _conditions(self, inputs: Object) -> list[dict[str, Any]]:
        sent = []
        for condition in inputs["conditions"]:
            (key, value), *_ = condition.items()
            if key == "queryStrings":
                values = [{name.capitalize(): text for name, text in pair.items()} for pair in value]
                config: dict[str, Any] = {"QueryStringConfig": {"Values": values}}
            else:
                fields = {name[:1].upper() + name[1:]: item for name, item in value.items()}
                config = {_CONDITION[key].api or "": fields}
            sent.append({"Field": _FIELDS[key], **config})
        return sent

    def read(self, op: Op) -> Object | None:
        found = op.client("elbv2").describe_rules(RuleArns=[op.id])["Rules"]
        if not found:
            return None
        answer = found[0]
        values = self.receive({key: value for key, value in answer.items() if key != "Priority"})
        arn = answer["RuleArn"]
        return {
            **values,
            "actions": _told_actions(values["actions"], {**op.old, **op.inputs}, "actions"),
            "priority": int(answer["Priority"]),
            "conditions": [_condition_state(one) for one in answer.get("Conditions", [])],
            "listenerArn": arn.replace(":listener-rule/", ":listener/").rsplit("/", 1)[0],
            "arn": arn,
            "tagsAll": tags_of(op, arn),
        }

    def update(self, op: Op) -> None:
        elb = op.client("elbv2")
        if "priority" in op.changed:
            elb.set_rule_priorities(RulePriorities=[{"RuleArn": op.id, "Priority": op.inputs["priority"]}])
        if op.changed & {"actions", "conditions"}:
            actions = _sent_actions(self.send(op, "actions")["Actions"])
            elb.modify_rule(RuleArn=op.id, Actions=actions, Conditions=self._conditions(op.inputs))

    def delete(self, op: Op) -> None:
        op.client("elbv2").delete_rule(RuleArn=op.id)


def _condition_state(answer: dict[str, Any]) -> Object:
    key = next((name for name, field in _FIELDS.items() if field == answer.get("Field")), "")
    if key == "queryStrings":
        pairs = answer.get("QueryStringConfig", {}).get("Values", [])
        return {key: [{name.lower(): text for name, text in pair.items()} for pair in pairs]}
    config = answer.get((_CONDITION[key].api or "") if key else "") or {}
    values = {name[:1].lower() + name[1:]: item for name, item in config.items()}
    if "values" not in values and answer.get("Values"):
        values["values"] = answer["Values"]
    return {key: values}
