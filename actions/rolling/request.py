"""What a rolling release is asked to do, read from the command's environment."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from actions.environment import text as environment_text
from actions.hosts.host import Host, StagedRelease
from actions.hosts.machine import Certificate, Project


@dataclass(frozen=True, kw_only=True)
class HostAccess:
    """How the hosts are reached, as far as it needs permissions."""

    method: str  # ssh or ssm
    key_parameter: str
    host_keys_prefix: str
    security_group: str


@dataclass(frozen=True, kw_only=True)
class RollingRequest:
    """One fleet behind one target group and the image it shall run."""

    image: str  # <repository uri>:<tag>
    hosts: tuple[Host, ...]  # in the order of the release
    wave_size: int
    target_group: str  # ARN; empty on a single host, whose own nginx takes its place
    port: int  # of a host, where the balancer asks
    url: str  # health URL through the balancer
    websocket_url: str  # through the balancer; empty = nobody watches WebSockets
    drain_seconds: int  # the longest wait for what a host has in flight
    health_retries: int
    health_interval_seconds: int
    migrate: str  # command of a one-off container before the first wave; empty = none
    compose: str  # text of compose.yaml
    nginx: str  # text of nginx.conf
    variables: Mapping[str, str]  # of the application → SSM parameter name
    alarms: tuple[str, ...]
    table: str
    region: str
    passes: int  # consecutive good answers of the verification
    timeout_seconds: int  # for a host to become healthy in the balancer, and for the verification
    project: Project  # as it lies on every host
    access: HostAccess
    certificate: Certificate | None = None  # of a single host; None: it shows its own, or none

    @property
    def single(self) -> bool:
        """One host without a balancer."""
        return self.project.single

    @property
    def tag(self) -> str:
        return self.image.rsplit(":", 1)[1]

    @property
    def repository(self) -> str:
        """The repository's name within its registry."""
        return self.image.rsplit(":", 1)[0].split("/", 1)[1]

    @property
    def local_health_seconds(self) -> int:
        """How long a new container may take to become healthy on its host."""
        return self.health_retries * self.health_interval_seconds

    def pinned(self, digest: str) -> str:
        return f"{self.image.rsplit(':', 1)[0]}@{digest}"

    def staged(self, digest: str, room_mb: int) -> StagedRelease:
        return StagedRelease(
            image=self.pinned(digest),
            tag=self.tag,
            compose=self.compose,
            nginx=self.nginx,
            variables=self.variables,
            room_mb=room_mb,
        )


def from_environment(environment: Mapping[str, str] = os.environ) -> RollingRequest:
    """Raises `ReleaseError` naming the variable that is missing."""
    text = partial(environment_text, environment=environment)
    single = text("WAY") == "single"
    certificate = environment.get("CERTIFICATE")
    return RollingRequest(
        image=text("IMAGE"),
        hosts=tuple(Host(**entry) for entry in json.loads(text("HOSTS"))),
        wave_size=int(text("WAVE_SIZE")),
        target_group="" if single else text("TARGET_GROUP"),
        port=int(text("PORT")),
        url=text("URL"),
        websocket_url=environment.get("WEBSOCKET_URL", ""),
        drain_seconds=int(text("DRAIN_SECONDS")),
        health_retries=int(text("HEALTH_RETRIES")),
        health_interval_seconds=int(text("HEALTH_INTERVAL_SECONDS")),
        migrate=environment.get("MIGRATE", ""),
        compose=text("COMPOSE"),
        nginx=text("NGINX"),
        variables=json.loads(text("VARIABLES")),
        alarms=tuple(name for name in environment.get("ALARMS", "").split(",") if name),
        table=text("RELEASES_TABLE"),
        region=text("REGION"),
        passes=int(text("PASSES")),
        timeout_seconds=int(text("TIMEOUT_SECONDS")),
        project=Project(
            name=text("PROJECT"),
            directory=text("APP_DIR"),
            region=text("REGION"),
            port=int(text("PORT")),
            health_path=urlsplit(text("URL")).path,
            single=single,
        ),
        access=HostAccess(
            method=text("ACCESS"),
            key_parameter=environment.get("SSH_KEY_PARAMETER", ""),
            host_keys_prefix=environment.get("HOST_KEYS_PREFIX", ""),
            security_group=environment.get("SECURITY_GROUP", ""),
        ),
        certificate=Certificate(**json.loads(certificate)) if certificate else None,
    )
