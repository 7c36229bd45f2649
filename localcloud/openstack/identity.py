"""Keystone: tokens by v2.0 and v3, each with the catalogue of the services behind this port."""

import re
import secrets
import time
from datetime import UTC, datetime
from typing import Any

from localcloud.openstack.model import Answer, Handler, Refusal, Request, Thing, keystone
from localcloud.openstack.world import PROJECT, USER

REGION = "LOCAL"
DOMAIN = {"id": "default", "name": "Default"}
LIFE_SECONDS = 12 * 3600.0
# type in the catalogue → path; {p} is the project
SERVICES = {
    "identity": "/identity/v2.0",
    "compute": "/compute/v2/{p}",
    "image": "/image",
    "network": "/network",
    "volumev2": "/volume/v2/{p}",
    "volumev3": "/volume/v3/{p}",
}


def token_of(request: Request, header: str) -> Thing | None:
    """The token that the header names, if it is still worth something."""
    found = request.cloud.world.of("tokens").get(header)
    return found if found and found["until"] > time.time() else None


def expire_all(request: Request) -> None:
    """Every token given so far is worth nothing."""
    request.cloud.world.of("tokens").clear()


def _refuse() -> Refusal:
    return keystone(401, "The request you have made requires authentication.")


def _issue(request: Request, name: str, password: str) -> Thing:
    cloud = request.cloud
    if name != USER or not secrets.compare_digest(password.encode(), cloud.password.encode()):
        raise _refuse()
    world = cloud.world
    for old in [token["id"] for token in world.listed("tokens") if token["until"] < time.time()]:
        world.remove("tokens", old)
    return world.add("tokens", {"id": secrets.token_hex(16), "until": time.time() + LIFE_SECONDS})


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def issue_v2(request: Request) -> Answer:
    """POST /v2.0/tokens"""
    asked: Any = request.part("auth")
    credentials = asked.get("passwordCredentials") or {}
    tenant = asked.get("tenantId") or asked.get("tenantName")
    token = _issue(request, str(credentials.get("username", "")), str(credentials.get("password", "")))
    if tenant not in (PROJECT, None):
        raise _refuse()
    catalogue = [
        {"name": kind, "type": kind, "endpoints_links": [], "endpoints": [_endpoint_v2(request, path)]}
        for kind, path in SERVICES.items()
    ]
    access = {
        "token": {
            "id": token["id"],
            "issued_at": _date(time.time()),
            "expires": _date(token["until"]),
            "tenant": {"id": PROJECT, "name": PROJECT, "enabled": True},
        },
        "serviceCatalog": catalogue,
        "user": {"id": USER, "name": USER, "username": USER, "roles": [{"name": "member"}], "roles_links": []},
        "metadata": {"is_admin": 0, "roles": []},
    }
    return Answer(body={"access": access})


def _endpoint_v2(request: Request, path: str) -> Thing:
    address = request.address + path.format(p=PROJECT)
    return {"region": REGION, "publicURL": address, "internalURL": address, "adminURL": address, "id": path}


def issue_v3(request: Request) -> Answer:
    """POST /v3/auth/tokens"""
    asked: Any = request.part("auth")
    identity = asked.get("identity") or {}
    if identity.get("methods") != ["password"]:
        raise _refuse()
    user = (identity.get("password") or {}).get("user") or {}
    scope = (asked.get("scope") or {}).get("project") or {}
    domains = [place["domain"] for place in (user, scope) if "domain" in place]
    if any(domain.get("id", DOMAIN["id"]) != DOMAIN["id"] for domain in domains):
        raise _refuse()
    if any(domain.get("name", DOMAIN["name"]).lower() != DOMAIN["name"].lower() for domain in domains):
        raise _refuse()
    if scope and PROJECT not in (scope.get("id"), scope.get("name")):
        raise _refuse()
    token = _issue(request, str(user.get("name") or user.get("id") or ""), str(user.get("password", "")))
    body = {
        "methods": ["password"],
        "issued_at": _date(time.time()),
        "expires_at": _date(token["until"]),
        "project": {"id": PROJECT, "name": PROJECT, "domain": DOMAIN},
        "user": {"id": USER, "name": USER, "domain": DOMAIN, "password_expires_at": None},
        "roles": [{"id": "member", "name": "member"}],
        "is_domain": False,
        "catalog": [_service_v3(request, kind, path) for kind, path in SERVICES.items()],
    }
    return Answer(status=201, body={"token": body}, headers={"X-Subject-Token": token["id"]})


def _service_v3(request: Request, kind: str, path: str) -> Thing:
    address = request.address + path.format(p=PROJECT).replace("/identity/v2.0", "/identity/v3")
    endpoints = [
        {"id": f"{kind}-{face}", "interface": face, "region": REGION, "region_id": REGION, "url": address}
        for face in ("public", "internal", "admin")
    ]
    return {"id": kind, "type": kind, "name": kind, "endpoints": endpoints}


def versions(request: Request) -> Answer:
    """GET /: both."""
    found = [
        {
            "id": number,
            "status": status,
            "links": [{"rel": "self", "href": f"{request.address}/identity/{word}/"}],
        }
        for number, word, status in (("v3.14", "v3", "stable"), ("v2.0", "v2.0", "deprecated"))
    ]
    return Answer(status=300, body={"versions": {"values": found}})


ROUTES: tuple[tuple[str, re.Pattern[str], Handler], ...] = (
    ("GET", re.compile(r"/?"), versions),
    ("POST", re.compile(r"/v2\.0/tokens"), issue_v2),
    ("POST", re.compile(r"/v3/auth/tokens"), issue_v3),
)
