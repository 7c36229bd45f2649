"""From listener rules to HAProxy's configuration: conditions, redirects, fixed responses, weighted forwards. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from localcloud.aws.model import Listener, Rule, forwards

STICKY_DEFAULT_SECONDS = 86400


def quote(text: str) -> str:
    """One argument of HAProxy's configuration, taken literally."""
    return "'" + re.sub(r"[\x00-\x1f\x7f]", " ", text).replace("'", "'\\''") + "'"


def literal(text: str) -> str:
    """User text inside a log-format string."""
    return text.replace("%", "%%")


def match(index: int, rule: Rule) -> list[str]:
    """Remember the first rule whose conditions all hold."""
    names, lines = [], []
    for number, condition in enumerate(rule.conditions):
        name = f"rule{index}_{number}"
        names.append(name)
        lines += [f"    acl {name} {test}" for test in _tests(condition)] or [f"    acl {name} always_false"]
    holds = " ".join(["!{ var(txn.rule) -m found }", *names])
    return [*lines, f"    http-request set-var(txn.rule) int({index}) if {holds}"]


def _tests(condition: dict[str, Any]) -> list[str]:
    """HAProxy's tests of one condition; any of them is enough."""
    kind = condition["Field"]
    values = [str(value) for value in condition.get("Values") or []]
    if kind == "path-pattern":
        return [f"path -m reg {quote(_glob(value))}" for value in values]
    if kind == "host-header":
        return [f"var(txn.host) -m reg -i {quote(_glob(value))}" for value in values]
    if kind == "http-header":
        header = condition.get("HttpHeaderConfig") or {}
        name = re.sub(r"[^A-Za-z0-9!#$%&*+.^_`|~-]", "", header.get("HttpHeaderName", ""))
        return [f"req.fhdr({name}) -m reg -i {quote(_glob(value))}" for value in header.get("Values") or []]
    if kind == "http-request-method":
        return [f"method -m str {quote(value)}" for value in values]
    if kind == "source-ip":
        return [f"src {quote(value)}" for value in values]
    if kind == "query-string":
        pairs = (condition.get("QueryStringConfig") or {}).get("Values") or []
        return [f"query -m reg -i {quote(_query_pattern(pair))}" for pair in pairs]
    return []


def _glob(pattern: str) -> str:
    """ALB's wildcards (* any characters, ? exactly one) as a regular expression."""
    return "^" + "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern) + "$"


def _query_pattern(pair: dict[str, str]) -> str:
    key = _glob(pair["Key"])[1:-1] if pair.get("Key") else "[^=&]*"
    return f"(^|&){key}={_glob(pair.get('Value', ''))[1:-1].replace('.*', '[^&]*')}(&|$)"


def perform(index: int, rule: Rule, listener: Listener, protocol: str, bodies: Mapping[str, str]) -> list[str]:
    """Do what the chosen rule says."""
    chosen = f"{{ var(txn.rule) -m int {index} }}"
    kind = rule.action.get("Type")
    if kind == "fixed-response":
        return [_fixed(rule.action.get("FixedResponseConfig") or {}, bodies, chosen)]
    if kind == "redirect":
        return _redirect(rule.action.get("RedirectConfig") or {}, listener, protocol, chosen)
    return _forward(rule.action, listener, chosen)


def _fixed(config: dict[str, str], bodies: Mapping[str, str], chosen: str) -> str:
    body = config.get("MessageBody") or ""
    content = (
        f"content-type {quote(config.get('ContentType') or 'text/plain')} file {quote(bodies[body])}" if body else ""
    )
    status = int(config.get("StatusCode", 200))
    return f"    http-request return status {status} {content} hdr Server awselb/2.0 if {chosen}"


def _redirect(config: dict[str, str], listener: Listener, protocol: str, chosen: str) -> list[str]:
    code = config.get("StatusCode", "HTTP_301").removeprefix("HTTP_")

    def filled(part: str, default: str) -> str:
        text = literal(config.get(part) or default)
        for name, value in {
            "protocol": protocol,
            "host": "%[var(txn.host)]",
            "port": str(listener.port),
            "path": "%[var(txn.path)]",
            "query": "%[query]",
        }.items():
            text = text.replace("#{" + name + "}", value)
        return text

    scheme = filled("Protocol", "#{protocol}").lower()
    base = f"{scheme}://{filled('Host', '#{host}')}:{filled('Port', '#{port}')}{filled('Path', '/#{path}')}"
    asked = config.get("Query", "#{query}")
    query = filled("Query", "#{query}")
    if asked == "#{query}":
        asked_something = f"{chosen} {{ query -m found }}"
        return [
            f"    http-request redirect location {quote(base + '?' + query)} code {code} if {asked_something}",
            f"    http-request redirect location {quote(base)} code {code} if {chosen}",
        ]
    location = f"{base}?{query}" if asked else base
    return [f"    http-request redirect location {quote(location)} code {code} if {chosen}"]


def _forward(action: dict[str, Any], listener: Listener, chosen: str) -> list[str]:
    groups = [(listener.backends[arn], weight) for arn, weight in forwards(action) if arn in listener.backends]
    weighted = [(name, weight) for name, weight in groups if weight > 0]
    if not weighted:
        return [f"    http-request return status 503 hdr Server awselb/2.0 if {chosen}"]
    if len(weighted) == 1 and len(groups) == 1:
        return [f"    use_backend {weighted[0][0]} if {chosen}"]
    total = sum(weight for _, weight in weighted)
    lines = [f"    http-request set-var(txn.dice) rand({total}) if {chosen}"]
    config = (action.get("ForwardConfig") or {}).get("TargetGroupStickinessConfig") or {}
    if str(config.get("Enabled", "false")).lower() == "true":
        lines += _group_stickiness(groups, int(config.get("DurationSeconds") or STICKY_DEFAULT_SECONDS), chosen)
    reached = 0
    for name, weight in weighted:
        reached += weight
        lines.append(f"    use_backend {name} if {chosen} {{ var(txn.dice) -m int lt {reached} }}")
    return lines


def _group_stickiness(groups: list[tuple[str, int]], seconds: int, chosen: str) -> list[str]:
    """Clients stay with the target group they met, by the cookie AWSALBTG, also when its weight falls to 0."""
    lines = [f"    use_backend {name} if {chosen} {{ req.cook(AWSALBTG) -m str {name} }}" for name, _ in groups]
    return [
        *lines,
        f"    http-request set-var(txn.keep_group) bool(true) if {chosen}",
        f"    http-response add-header Set-Cookie {cookie('AWSALBTG', seconds, 'be_name')}"
        f" if {chosen} {{ var(txn.keep_group) -m bool }}",
    ]


def cookie(name: str, seconds: int, value: str = "srv_name") -> str:
    """The value of a Set-Cookie header that names a server or backend."""
    return f"{name}=%[{value}];\\ Expires=%[date({seconds}),http_date];\\ Path=/"
