"""From the model to HAProxy's configuration. Pure: values in, text out."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from localcloud.aws.model import Group, Listener, Model, Rule, forwards

# ALB answers these by itself; the wording is its own.
_ERRORS = {
    400: "400 Bad Request",
    502: "502 Bad Gateway",
    503: "503 Service Temporarily Unavailable",
    504: "504 Gateway Time-out",
}
CONNECT_SECONDS = 10  # ALB's own; a refused connection goes to another target at once
STICKY_DEFAULT_SECONDS = 86400


def quote(text: str) -> str:
    """One argument of HAProxy's configuration, taken literally."""
    return "'" + re.sub(r"[\x00-\x1f\x7f]", " ", text).replace("'", "'\\''") + "'"


def _format(text: str) -> str:
    """User text inside a log-format string."""
    return text.replace("%", "%%")


def server_options(group: Group) -> str:
    """What every server of a target group has, in the configuration and when added to a running balancer."""
    check = group.check
    options = [
        f"check inter {check.interval}s fastinter {check.interval}s downinter {check.interval}s",
        f"rise {check.healthy} fall {check.unhealthy}",
    ]
    if check.port != "traffic-port":
        options.append(f"port {int(check.port)}")
    if group.protocol == "HTTPS":
        options.append("ssl verify none")
    if check.protocol == "HTTPS" and group.protocol != "HTTPS":
        options.append("check-ssl verify none")
    slow_start = int(group.attributes.get("slow_start.duration_seconds") or 0)
    if slow_start:
        options.append(f"slowstart {slow_start}s")
    return " ".join(options)


def render(
    model: Model, certificates: Mapping[str, str], bodies: Mapping[str, str], servers: Mapping[str, Iterable[str]]
) -> str:
    """The whole configuration.

    `certificates`: listener ARN -> file; `bodies`: text of a fixed response -> file; `servers`: target group ARN -> its
    server lines.
    """
    lines = [*_global(), *_defaults()]
    for listener in model.listeners:
        lines += ["", *_frontend(listener, certificates.get(listener.arn), bodies)]
    for group in model.groups.values():
        lines += ["", *_backend(group), *(f"    server {line}" for line in servers.get(group.arn, ()))]
    return "\n".join(lines) + "\n"


def _global() -> list[str]:
    return [
        "global",
        "    stats socket unix@stats.sock mode 600 level admin expose-fd listeners",
        "    server-state-file servers.state",
        "    max-spread-checks 100",  # ms: the first check comes at once, not somewhere within the interval
        "    tune.ssl.default-dh-param 2048",
        "    hard-stop-after 3600s",
        "    nbthread 2",
    ]


def _defaults() -> list[str]:
    errors = [
        f"    http-error status {status} content-type text/html string "
        + quote(f"<html>\r\n<head><title>{text}</title></head>\r\n<body><center><h1>{text}</h1></center></body></html>")
        + " hdr Server awselb/2.0"
        for status, text in _ERRORS.items()
    ]
    return [
        "",
        "defaults",
        "    mode http",
        "    load-server-state-from-file global",
        f"    timeout connect {CONNECT_SECONDS}s",
        "    timeout client 60s",
        "    timeout server 60s",
        "    option http-server-close",  # no reuse of a connection the target may be about to close
        "    option idle-close-on-response",  # idle clients of an old worker get one more answer
        "    retries 3",
        "    option redispatch 1",
        *errors,
        "",
        "frontend idle",  # HAProxy wants a listener, also when there is no load balancer yet
        "    bind unix@idle.sock mode 600",
        "    http-request deny",
    ]


# -- listeners ---


def _frontend(listener: Listener, certificate: str | None, bodies: Mapping[str, str]) -> list[str]:
    secure = f" ssl crt {quote(certificate)} alpn h2,http/1.1" if certificate else ""
    protocol = "https" if certificate else "http"
    lines = [
        f"frontend {listener.name}",
        f"    bind {listener.address}:{listener.port}{secure}",
        f"    timeout client {listener.idle_seconds}s",
        f"    timeout http-keep-alive {listener.idle_seconds}s",
        "    http-request set-var(txn.host) req.hdr(host),field(1,:)",
        "    http-request set-var(txn.path) path,regsub(^/,)",
        *_forwarded_headers(listener, protocol),
    ]
    for index, rule in enumerate(listener.rules):
        lines += _match(index, rule)
    for index, rule in enumerate(listener.rules):
        lines += _perform(index, rule, listener, protocol, bodies)
    lines += [
        f"    http-response set-header {header} {quote(_format(value))}"
        for header, value in _response_headers(listener)
    ]
    return lines


def _forwarded_headers(listener: Listener, protocol: str) -> list[str]:
    mode = listener.attributes.get("routing.http.xff_header_processing.mode", "append")
    append = [
        "    http-request set-var(txn.xff) req.fhdr(x-forwarded-for)",
        "    http-request set-header X-Forwarded-For %[var(txn.xff)],\\ %[src] if { var(txn.xff) -m found }",
        "    http-request set-header X-Forwarded-For %[src] if !{ var(txn.xff) -m found }",
    ]
    by_mode = {"append": append, "remove": ["    http-request del-header X-Forwarded-For"], "preserve": []}
    return [
        *by_mode.get(mode, append),
        f"    http-request set-header X-Forwarded-Proto {protocol}",
        f"    http-request set-header X-Forwarded-Port {listener.port}",
        "    http-request set-header X-Amzn-Trace-Id Root=1-%{+X}Ts-%[uuid,regsub(-,,g),bytes(0,24)]"
        " unless { req.hdr(x-amzn-trace-id) -m found }",
    ]


def _response_headers(listener: Listener) -> list[tuple[str, str]]:
    prefix, suffix = "routing.http.response.", ".header_value"
    return [
        ("-".join(part.capitalize() for part in key[len(prefix) : -len(suffix)].split("_")), value)
        for key, value in sorted(listener.listener_attributes.items())
        if key.startswith(prefix) and key.endswith(suffix) and value
    ]


def _match(index: int, rule: Rule) -> list[str]:
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


def _perform(index: int, rule: Rule, listener: Listener, protocol: str, bodies: Mapping[str, str]) -> list[str]:
    chosen = f"{{ var(txn.rule) -m int {index} }}"
    kind = rule.action.get("Type")
    if kind == "fixed-response":
        return [_fixed(rule.action.get("FixedResponseConfig") or {}, bodies, chosen)]
    if kind == "redirect":
        return _redirect(rule.action.get("RedirectConfig") or {}, listener, protocol, chosen)
    return _forward(index, rule.action, listener, chosen)


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
        text = _format(config.get(part) or default)
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


def _forward(index: int, action: dict[str, Any], listener: Listener, chosen: str) -> list[str]:
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
        f"    http-response add-header Set-Cookie {_cookie('AWSALBTG', seconds, 'be_name')}"
        f" if {chosen} {{ var(txn.keep_group) -m bool }}",
    ]


# -- target groups ---


def _backend(group: Group) -> list[str]:
    algorithm = group.attributes.get("load_balancing.algorithm.type", "round_robin")
    return [
        f"backend {group.name}",
        f"    balance {'leastconn' if algorithm == 'least_outstanding_requests' else 'roundrobin'}",
        f"    timeout server {group.idle_seconds}s",
        f"    timeout tunnel {group.idle_seconds}s",
        f"    timeout check {group.check.timeout}s",
        *_check(group),
        *_stickiness(group.attributes),
    ]


def _check(group: Group) -> list[str]:
    if group.check.protocol == "TCP":
        return ["    option tcp-check"]
    return [
        "    option httpchk",
        f"    http-check send meth GET uri {quote(group.check.path)} ver HTTP/1.1"
        " hdr User-Agent ELB-HealthChecker/2.0 hdr Connection close hdr Host %[srv_name,field(1,_)]",
        f"    http-check expect status {group.check.codes.replace(' ', '')}",
    ]


def _stickiness(attributes: Mapping[str, str]) -> list[str]:
    """Cookies name the server; one that is gone or not healthy is passed over, and the answer brings a new cookie."""
    if attributes.get("stickiness.enabled") != "true":
        return []
    if attributes.get("stickiness.type") == "app_cookie":
        seconds = int(attributes.get("stickiness.app_cookie.duration_seconds") or STICKY_DEFAULT_SECONDS)
        own = re.sub(r"[^A-Za-z0-9_.-]", "", attributes.get("stickiness.app_cookie.cookie_name", ""))
        both = f"{{ req.cook(AWSALBAPP-0) -m found }} {{ req.cook({own}) -m found }}"
        return [
            f"    use-server %[req.cook(AWSALBAPP-0)] if {both}",
            f"    http-response add-header Set-Cookie {_cookie('AWSALBAPP-0', seconds)}"
            f" if {{ res.cook({own}) -m found }}",
        ]
    seconds = int(attributes.get("stickiness.lb_cookie.duration_seconds") or STICKY_DEFAULT_SECONDS)
    return [
        "    use-server %[req.cook(AWSALB)] if { req.cook(AWSALB) -m found }",
        f"    http-response add-header Set-Cookie {_cookie('AWSALB', seconds)}",
    ]


def _cookie(name: str, seconds: int, value: str = "srv_name") -> str:
    return f"{name}=%[{value}];\\ Expires=%[date({seconds}),http_date];\\ Path=/"
