"""What the balancer has to do, read from MiniStack's load balancers, listeners, rules and target groups."""

from dataclasses import dataclass, field
from typing import Any

from ministack.services import alb


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """A target group's health check; times in seconds, thresholds in consecutive checks."""

    protocol: str
    port: str  # a number or traffic-port
    path: str
    codes: str
    interval: int
    timeout: int
    healthy: int
    unhealthy: int


@dataclass(frozen=True, kw_only=True)
class Group:
    """A target group in use: one HAProxy backend."""

    arn: str
    name: str
    protocol: str
    port: int
    check: HealthCheck
    attributes: dict[str, str]
    idle_seconds: int

    @property
    def delay(self) -> int:
        """Deregistration delay in seconds; AWS's default is 300."""
        return int(self.attributes.get("deregistration_delay.timeout_seconds", 300))


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One listener rule in order of priority; the default rule is the last and has no conditions."""

    conditions: tuple[dict[str, Any], ...]
    action: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Listener:
    """One listener of one load balancer: one HAProxy frontend."""

    arn: str
    name: str
    address: str
    port: int
    protocol: str
    certificates: tuple[str, ...]
    rules: tuple[Rule, ...]
    attributes: dict[str, str]  # the load balancer's
    listener_attributes: dict[str, str]
    backends: dict[str, str] = field(default_factory=dict)  # target group ARN -> backend

    @property
    def idle_seconds(self) -> int:
        return int(self.attributes.get("idle_timeout.timeout_seconds", 60))


@dataclass(frozen=True, kw_only=True)
class Model:
    listeners: tuple[Listener, ...]
    groups: dict[str, Group]  # by ARN, only those some listener forwards to


def forwards(action: dict[str, Any]) -> list[tuple[str, int]]:
    """The target groups of a forward action with their weights."""
    if action.get("Type") != "forward":
        return []
    several = (action.get("ForwardConfig") or {}).get("TargetGroups") or []
    if several:
        return [(group["TargetGroupArn"], int(group.get("Weight", 1))) for group in several]
    return [(action["TargetGroupArn"], 1)] if action.get("TargetGroupArn") else []


def read() -> Model:
    """The present model over all accounts and regions."""
    rules: dict[str, list[dict[str, Any]]] = {}
    for _, rule in alb._rules.all_items():
        rules.setdefault(rule["ListenerArn"], []).append(rule)
    balancers = {key[2]: value for key, value in alb._lbs.all_items()}
    groups = {key[2]: value for key, value in alb._tgs.all_items()}
    listeners = []
    used: dict[str, int] = {}
    for _, record in sorted(alb._listeners.all_items(), key=lambda item: item[0]):
        owner = balancers.get(record["LoadBalancerArn"])
        if owner is None or owner["Type"] != "application":
            continue
        listener = _listener(record, owner, rules.get(record["ListenerArn"], []), set(groups))
        listeners.append(listener)
        used.update(dict.fromkeys(listener.backends, listener.idle_seconds))
    return Model(
        listeners=tuple(listeners),
        groups={arn: group(arn, groups[arn], idle) for arn, idle in sorted(used.items())},
    )


def _listener(record: dict[str, Any], owner: dict[str, Any], rules: list[dict[str, Any]], groups: set[str]) -> Listener:
    ordered = tuple(
        Rule(conditions=tuple(rule.get("Conditions") or ()), action=_terminal(rule["Actions"]))
        for rule in sorted(rules, key=alb._rule_sort_key)
    )
    arn = record["ListenerArn"]
    named = [target for rule in ordered for target, _ in forwards(rule.action) if target in groups]
    return Listener(
        arn=arn,
        name="listener_" + arn.rsplit("/", 1)[-1],
        address=owner["DNSName"],
        port=int(record["Port"]),
        protocol=record["Protocol"],
        certificates=tuple(record.get("Certificates") or ()),
        rules=ordered,
        attributes=attributes(alb._lb_attrs, owner["LoadBalancerArn"]),
        listener_attributes=attributes(alb._listener_attrs, arn),
        backends={target: backend(target) for target in named},
    )


def _terminal(actions: list[dict[str, Any]]) -> dict[str, Any]:
    return max(actions, key=lambda action: int(action.get("Order", 1)))


def backend(arn: str) -> str:
    """The HAProxy backend of a target group."""
    return "group_" + arn.rsplit("/", 1)[-1]


def attributes(store: Any, arn: str) -> dict[str, str]:
    """The attributes of a load balancer, listener or target group as a dictionary."""
    account = arn.split(":")[4]
    return {item["Key"]: item["Value"] for item in store.get_scoped(account, None, arn, []) or []}


def group(arn: str, record: dict[str, Any], idle_seconds: int) -> Group:
    """The target group of a MiniStack record."""
    return Group(
        arn=arn,
        name=backend(arn),
        protocol=record.get("Protocol", "HTTP"),
        port=int(record.get("Port") or 80),
        check=HealthCheck(
            protocol=record.get("HealthCheckProtocol", "HTTP"),
            port=str(record.get("HealthCheckPort", "traffic-port")),
            path=record.get("HealthCheckPath", "/"),
            codes=record.get("Matcher", {}).get("HttpCode", "200"),
            interval=int(record.get("HealthCheckIntervalSeconds", 30)),
            timeout=int(record.get("HealthCheckTimeoutSeconds", 5)),
            healthy=int(record.get("HealthyThresholdCount", 5)),
            unhealthy=int(record.get("UnhealthyThresholdCount", 2)),
        ),
        attributes=attributes(alb._tg_attrs, arn),
        idle_seconds=idle_seconds,
    )
