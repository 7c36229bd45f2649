"""From the model to HAProxy's configuration. Pure: values in, text out."""

import re
from collections.abc import Iterable, Mapping

from localcloud.aws.haproxy_rules import STICKY_DEFAULT_SECONDS, cookie, literal, match, perform, quote
from localcloud.aws.model import Group, Listener, Model

# ALB answers these by itself; the wording is its own.
_ERRORS = {
    400: "400 Bad Request",
    502: "502 Bad Gateway",
    503: "503 Service Temporarily Unavailable",
    504: "504 Gateway Time-out",
}
CONNECT_SECONDS = 10  # ALB's own; a refused connection goes to another target at once


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
        lines += match(index, rule)
    for index, rule in enumerate(listener.rules):
        lines += perform(index, rule, listener, protocol, bodies)
    lines += [
        f"    http-response set-header {header} {quote(literal(value))}"
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


# -- target groups ---


def _backend(group: Group) -> list[str]:
    algorithm = group.attributes.get("load_balancing.algorithm.type", "round_robin")
    return [
        f"backend {group.name}",
        f"    balance {'leastconn' if algorithm == 'least_outstanding_requests' else 'roundrobin'}",
        f"    timeout server {group.idle_seconds}s",
        f"    timeout tunnel {group.idle_seconds}s",
        f"    timeout check {group.check.timeout}s",
        f"    # every target: {server_options(group)}",  # a change of these makes a new configuration, too
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
            f"    http-response add-header Set-Cookie {cookie('AWSALBAPP-0', seconds)}"
            f" if {{ res.cook({own}) -m found }}",
        ]
    seconds = int(attributes.get("stickiness.lb_cookie.duration_seconds") or STICKY_DEFAULT_SECONDS)
    return [
        "    use-server %[req.cook(AWSALB)] if { req.cook(AWSALB) -m found }",
        f"    http-response add-header Set-Cookie {cookie('AWSALB', seconds)}",
    ]
