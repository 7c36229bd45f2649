"""The Docker Compose projects of a host, as texts. Pure.

The web project belongs to the release: it names the image by a variable of `.env`, which the release writes. The data
project is brought up by itself and never by a release.
"""

from dataclasses import dataclass
from typing import Any

import yaml

from components.nginx import CHALLENGES, CHALLENGES_ON_HOST, SITES, TLS, TLS_ON_HOST

OWN_REGISTRY = "registry/"  # stands for the registry of the stack's own repository, whose address is AWS's
DATA_NETWORK = "data"  # how the web project of the same host calls it
LOG_LIMITS = {
    "driver": "json-file",
    "options": {"max-size": "10m", "max-file": "3"},
}  # 30 MB a container, not a full disk
WEB = "web"
COLOURS = ("web-a", "web-b")  # the two that take turns on a host without a balancer
START_SECONDS = 40  # the document's: before a failed check of the container counts


@dataclass(frozen=True, kw_only=True)
class WebProject:
    """What serves on a host: the application, and nginx before it."""

    project: str
    port: int
    nginx_image: str
    directory: str  # of the project on the host; a release keeps the site of nginx in `nginx/` below it
    check_seconds: int  # between two questions to the container
    check_timeout: int  # seconds
    check_retries: int
    settings_fingerprint: str  # changes with any setting, so that a changed setting is a release
    single: bool = False  # no balancer: two web services take turns, and nginx answers the internet itself
    data_network: str | None = None  # of the data project, where that is on the same host


@dataclass(frozen=True, kw_only=True)
class DataProject:
    """What keeps the data: MySQL and Redis."""

    project: str
    database_image: str
    redis_image: str
    network: str | None = None  # through which the web project of the same host reaches it; None = ports of the host


def resolved(image: str, repository_url: str) -> str:
    """An image of `registry/…` as an image of the registry that the repository is in; any other as it is."""
    registry = repository_url.partition("/")[0]
    return f"{registry}/{image.removeprefix(OWN_REGISTRY)}" if image.startswith(OWN_REGISTRY) else image


def own_repository(image: str) -> str | None:
    """The name of an image's repository when it is one of the stack's own registry."""
    if not image.startswith(OWN_REGISTRY):
        return None
    return image.removeprefix(OWN_REGISTRY).partition("@")[0].partition(":")[0]


def web_compose(project: WebProject, repository_url: str) -> str:
    """compose.yaml of a host that serves; `${IMAGE}` is the release's, pinned by digest."""
    web = {
        "image": "${IMAGE}",
        "restart": "always",
        "env_file": [".env"],
        "labels": {"infra-release.settings": project.settings_fingerprint},
        # The question is the image's own HEALTHCHECK; a release asks as often what came of it.
        "healthcheck": {
            "interval": f"{project.check_seconds}s",
            "timeout": f"{project.check_timeout}s",
            "retries": project.check_retries,
            "start_period": f"{START_SECONDS}s",
        },
        "logging": LOG_LIMITS,
    }
    nginx = {"image": resolved(project.nginx_image, repository_url), "restart": "always", **_place_of_nginx(project)}
    networks = {}
    if project.data_network:
        web["networks"] = ["default", DATA_NETWORK]
        networks = {"networks": {DATA_NETWORK: {"external": True, "name": project.data_network}}}
    services = {name: web for name in (COLOURS if project.single else (WEB,))}
    return _text(project.project, services={**services, "nginx": {**nginx, "logging": LOG_LIMITS}}, **networks)


def _place_of_nginx(project: WebProject) -> dict[str, Any]:
    """Its ports and what it reads; without a balancer before it, it ends TLS and answers challenges."""
    site = f"{project.directory}/nginx:{SITES}:ro"
    if not project.single:
        return {"ports": [f"{project.port}:{project.port}"], "volumes": [site]}
    tls = f"{project.directory}/{TLS_ON_HOST}:{TLS}:ro"
    challenges = f"{project.directory}/{CHALLENGES_ON_HOST}:{CHALLENGES}:ro"
    return {"ports": ["80:80", "443:443"], "volumes": [site, tls, challenges]}


def data_compose(project: DataProject, repository_url: str) -> str:
    """compose.yaml of the host that keeps the data; its `.env` holds what MySQL's image asks for."""
    database = {
        "image": resolved(project.database_image, repository_url),
        "volumes": ["database:/var/lib/mysql"],
        "healthcheck": _asked("mysqladmin ping -h 127.0.0.1 || mariadb-admin ping -h 127.0.0.1"),
    }
    redis = {
        "image": resolved(project.redis_image, repository_url),
        "command": ["redis-server", "--appendonly", "yes"],
        "volumes": ["redis:/data"],
        "healthcheck": _asked("redis-cli ping | grep -q PONG"),
    }
    kept = {"restart": "unless-stopped", "logging": LOG_LIMITS}
    services = {"database": {**database, "env_file": [".env"], **kept}, "redis": {**redis, **kept}}
    volumes: dict[str, Any] = {"database": {}, "redis": {}}
    if project.network:
        return _text(
            project.project, services=services, volumes=volumes, networks={"default": {"name": project.network}}
        )
    for service, port in (("database", 3306), ("redis", 6379)):
        services[service]["ports"] = [f"{port}:{port}"]
    return _text(project.project, services=services, volumes=volumes)


def _asked(command: str) -> dict[str, Any]:
    """The document's rhythm for its services."""
    return {"test": ["CMD-SHELL", command], "interval": "10s", "timeout": "5s", "retries": 3, "start_period": "60s"}


def _text(project: str, **parts: dict[str, Any]) -> str:
    return str(yaml.dump({"name": project, **parts}, Dumper=_Plain, sort_keys=False, width=120))


class _Plain(yaml.SafeDumper):
    """Equal parts are written out each time, not as references."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
