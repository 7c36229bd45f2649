"""The Docker Compose projects of a host, as texts. Pure.

The web project belongs to the release: it names the image by a variable of `.env`, which the release writes. The data
project is brought up by itself and never by a release.
"""

from dataclasses import dataclass
from typing import Any

import yaml

from components.nginx import SITES

OWN_REGISTRY = "registry/"  # stands for the registry of the stack's own repository, whose address is AWS's
LOG_LIMITS = {
    "driver": "json-file",
    "options": {"max-size": "10m", "max-file": "3"},
}  # 30 MB a container, not a full disk
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


@dataclass(frozen=True, kw_only=True)
class DataProject:
    """What keeps the data: MySQL and Redis."""

    project: str
    database_image: str
    redis_image: str


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
    return _text(
        project.project,
        services={
            "web": {
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
            },
            "nginx": {
                "image": resolved(project.nginx_image, repository_url),
                "restart": "always",
                "ports": [f"{project.port}:{project.port}"],
                "volumes": [f"{project.directory}/nginx:{SITES}:ro"],
                "logging": LOG_LIMITS,
            },
        },
    )


def data_compose(project: DataProject, repository_url: str) -> str:
    """compose.yaml of the host that keeps the data; its `.env` holds what MySQL's image asks for."""
    database = {
        "image": resolved(project.database_image, repository_url),
        "ports": ["3306:3306"],
        "volumes": ["database:/var/lib/mysql"],
        "healthcheck": _asked("mysqladmin ping -h 127.0.0.1 || mariadb-admin ping -h 127.0.0.1"),
    }
    redis = {
        "image": resolved(project.redis_image, repository_url),
        "command": ["redis-server", "--appendonly", "yes"],
        "ports": ["6379:6379"],
        "volumes": ["redis:/data"],
        "healthcheck": _asked("redis-cli ping | grep -q PONG"),
    }
    kept = {"restart": "unless-stopped", "logging": LOG_LIMITS}
    services = {"database": {**database, "env_file": [".env"], **kept}, "redis": {**redis, **kept}}
    return _text(project.project, services=services, volumes={"database": {}, "redis": {}})


def _asked(command: str) -> dict[str, Any]:
    """The document's rhythm for its services."""
    return {"test": ["CMD-SHELL", command], "interval": "10s", "timeout": "5s", "retries": 3, "start_period": "60s"}


def _text(project: str, **parts: dict[str, Any]) -> str:
    return str(yaml.dump({"name": project, **parts}, Dumper=_Plain, sort_keys=False, width=120))


class _Plain(yaml.SafeDumper):
    """Equal parts are written out each time, not as references."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
