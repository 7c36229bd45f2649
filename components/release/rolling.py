"""Declare the release of an image on a fleet of hosts, some at a time: a changed tag is a changed resource.

`plan_waves` decides, `RollingRelease` declares, `actions.release_rolling` acts.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_command import local

from components.alarms import HOST_METRICS
from components.host_access import HostAccess
from components.release.verify import Verification

RELEASE = "python -m actions.release_rolling"
RETIRE = "python -m actions.retire_rolling"  # takes the hosts out of the target group when the stack is destroyed
LONGEST_DRAIN = 600  # seconds: the document's, for WebSockets


@dataclass(frozen=True, kw_only=True)
class FleetHost:
    """One host as an action will find it; its name is known before it exists, because it is what a preview shows."""

    name: str
    instance: pulumi.Input[str]
    address: pulumi.Input[str]


def plan_waves(hosts: Sequence[str], size: int) -> tuple[tuple[str, ...], ...]:
    """The hosts in their order, `size` at a time; `ValueError` where a wave would leave nobody to serve."""
    if size < 1:
        raise ValueError(f"a wave has at least 1 host, got {size}")
    if size >= len(hosts):
        raise ValueError(f"a wave of {size} would take all {len(hosts)} hosts out of service")
    if len(set(hosts)) < len(hosts):
        raise ValueError(f"a host is named twice among {', '.join(hosts)}")
    return tuple(tuple(hosts[start : start + size]) for start in range(0, len(hosts), size))


def waves_text(waves: Sequence[Sequence[str]]) -> str:
    """Waves as a preview shows them: `web-1 web-2 | web-3`."""
    return " | ".join(" ".join(wave) for wave in waves)


@dataclass(frozen=True, kw_only=True)
class OwnCertificate:
    """What a host's own nginx shows users, asked for and renewed by the host itself."""

    domain: str
    email: str  # which the authority writes to
    server: str  # ACME directory
    image: pulumi.Input[str]  # with certbot
    metrics: str = HOST_METRICS  # where the host says how long it lasts


@dataclass(frozen=True, kw_only=True)
class RollingReleaseArgs:
    image: pulumi.Input[str]  # <repository uri>:<tag>; the digest is looked up when the release begins
    hosts: tuple[FleetHost, ...]  # in the order of the release
    security_group_id: pulumi.Input[str]  # of the hosts
    access: HostAccess
    target_group_arn: pulumi.Input[str] | None  # None: one host without a balancer, whose own nginx goes over
    port: int  # of a host, where the balancer asks
    url: pulumi.Input[str]  # health URL through the balancer
    websocket_url: pulumi.Input[str]  # kept open and watched during the release; empty = none
    compose: pulumi.Input[str]  # text of compose.yaml
    nginx: str  # text of nginx.conf
    variables: Mapping[str, str]  # of the application → SSM parameter name
    alarms: tuple[pulumi.Input[str], ...]  # names; a firing one stops a release before it begins
    table: pulumi.Input[str]
    region: str
    verification: Verification
    project: str  # Docker Compose's
    directory: str  # on the host
    wave_size: int = 1
    drain_seconds: int = 300  # the document's; at most 600, for WebSockets
    health_retries: int = 3
    health_interval_seconds: int = 10
    migrate: str | None = None  # run once in a container of the new image before the first wave
    certificate: OwnCertificate | None = None  # of a host without a balancer

    def __post_init__(self) -> None:
        if self.target_group_arn is None and len(self.hosts) != 1:
            raise ValueError(f"without a balancer there is one host, got {len(self.hosts)}")
        self.waves()
        if not 0 <= self.drain_seconds <= LONGEST_DRAIN:
            raise ValueError(f"rolling.drainSeconds must be from 0 to {LONGEST_DRAIN}, got {self.drain_seconds}")

    def waves(self) -> tuple[tuple[str, ...], ...]:
        """A single host is released beside what serves on it, so it is never out of service."""
        names = [host.name for host in self.hosts]
        return plan_waves(names, self.wave_size) if self.target_group_arn is not None else (tuple(names),)


class RollingRelease(pulumi.ComponentResource):
    """Ends with every host verified on the image, or with every host as it was and `pulumi up` failed."""

    proof: pulumi.Output[dict[str, Any]]  # what was observed; see `actions.release_rolling`
    image_tag: pulumi.Output[str]

    def __init__(self, name: str, args: RollingReleaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:release:RollingRelease", name, None, opts)
        command = local.Command(
            f"{name}-release",
            create=RELEASE,
            update=RELEASE,
            delete=RETIRE,
            environment=release_environment(args),
            logging=local.Logging.STDERR,
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.proof = command.stdout.apply(json.loads)
        self.image_tag = self.proof.apply(lambda proof: str(proof["image_tag"]))
        self.register_outputs({"proof": self.proof, "image_tag": self.image_tag})


def release_environment(args: RollingReleaseArgs) -> dict[str, pulumi.Input[str]]:
    """Readable names and values, because these lines are what a preview shows of a release."""
    return {
        "IMAGE": args.image,
        "WAY": "single" if args.target_group_arn is None else "balancer",
        "HOSTS": hosts_json(args.hosts),
        "WAVES": waves_text(args.waves()),
        "WAVE_SIZE": str(args.wave_size),
        **_way_in(args),
        "PORT": str(args.port),
        "URL": args.url,
        "WEBSOCKET_URL": args.websocket_url,
        "DRAIN_SECONDS": str(args.drain_seconds),
        "HEALTH_RETRIES": str(args.health_retries),
        "HEALTH_INTERVAL_SECONDS": str(args.health_interval_seconds),
        "MIGRATE": args.migrate or "",
        "COMPOSE": args.compose,
        "NGINX": args.nginx,
        "VARIABLES": json.dumps(dict(sorted(args.variables.items()))),
        "ALARMS": pulumi.Output.all(*args.alarms).apply(lambda names: ",".join(sorted(names))),
        "RELEASES_TABLE": args.table,
        "REGION": args.region,
        "PROJECT": args.project,
        "APP_DIR": args.directory,
        **args.access.environment(args.security_group_id),
        **args.verification.environment(),
    }


def _way_in(args: RollingReleaseArgs) -> dict[str, pulumi.Input[str]]:
    if args.target_group_arn is not None:
        return {"TARGET_GROUP": args.target_group_arn}
    return {"CERTIFICATE": pulumi.Output.json_dumps(vars(args.certificate)) if args.certificate else ""}


def hosts_json(hosts: Sequence[FleetHost]) -> pulumi.Output[str]:
    """The hosts as the actions read them, in their order."""
    return pulumi.Output.json_dumps(
        [{"name": host.name, "instance": host.instance, "address": host.address} for host in hosts]
    )
