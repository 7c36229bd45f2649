"""The container of Quest 16: LiveInsight's ECS service and release, which the build's deploy runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws import cloudwatch
from pulumi_command import local

from components import policies
from components.arns import Arns
from components.balancer import Balancer, BalancerArgs, TargetHealth
from components.naming import Names
from components.network import Network, NetworkArgs, OwnNetwork
from components.records import Records, RecordsArgs
from components.registry import Registry, RegistryArgs
from components.release.ecs import RETIRE
from components.release.verify import Verification
from components.service import EcsService, ServiceArgs
from stacks.quest16_settings import ContainerSettings, Quest16Settings

GRACE_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Container:
    """What a build needs to release it."""

    url: pulumi.Output[str]
    repository_url: pulumi.Output[str]
    environment: Mapping[str, pulumi.Input[str]]  # of the ECS release, all but the image
    statements: tuple[dict[str, Any], ...]


def declare_container(
    system: str, settings: Quest16Settings, account: str, provider: pulumi.ProviderResource
) -> Container:
    """Network, registry, balancer and an empty service: the first green build fills it."""
    wanted, names = settings.container, Names(base=settings.name, environment=settings.environment)
    arns = Arns(account=account, region=settings.region, names=names, repository_name=wanted.repository)
    options = pulumi.ResourceOptions(provider=provider)
    own = OwnNetwork(cidr=wanted.vpc_cidr, zones=wanted.availability_zones)
    network = Network(system, NetworkArgs(base_name=settings.name, source=own), options)
    keep = not settings.deletion_protection
    registry = Registry(system, RegistryArgs(repository=wanted.repository, keep_images=30, deletable=keep), options)
    records = Records(
        f"{system}-container",
        RecordsArgs(table=names.table, deletion_protection=settings.deletion_protection),
        options,
    )
    log = cloudwatch.LogGroup(
        f"{system}-container-log",
        name=names.log_group,
        retention_in_days=settings.log_retention_days,
        opts=options,
    )
    balancer = Balancer(system, _balancer(settings, names, network), options)
    service = EcsService(
        system,
        _service(settings, arns, network, balancer, registry),
        pulumi.ResourceOptions(provider=provider, depends_on=[log]),
    )
    environment = _environment(settings, names, balancer, service, records)
    _retire(system, {**environment, "IMAGE": pulumi.Output.concat(registry.url, ":unreleased")}, service)
    return Container(
        url=balancer.url,
        repository_url=registry.url,
        environment=environment,
        statements=tuple(policies.release_policy(arns)["Statement"]),
    )


def _health(wanted: ContainerSettings) -> TargetHealth:
    return TargetHealth(
        path=wanted.health_path,
        interval=wanted.interval_seconds,
        timeout=min(5, wanted.interval_seconds - 1),
        healthy_threshold=2,
        unhealthy_threshold=2,
    )


def _balancer(settings: Quest16Settings, names: Names, network: Network) -> BalancerArgs:
    wanted = settings.container
    return BalancerArgs(
        names=names,
        network=network,
        target_port=wanted.port,
        health=_health(wanted),
        deregistration_delay=wanted.deregistration_delay_seconds,
        certificate_arn=wanted.certificate_arn,
        domain=wanted.domain,
        deletion_protection=settings.deletion_protection,
    )


def _service(
    settings: Quest16Settings, arns: Arns, network: Network, balancer: Balancer, registry: Registry
) -> ServiceArgs:
    wanted = settings.container
    return ServiceArgs(
        names=arns.names,
        arns=arns,
        network=network,
        balancer=balancer,
        repository_url=registry.url,
        region=settings.region,
        port=wanted.port,
        cpu=wanted.cpu,
        memory=wanted.memory,
        health=_health(wanted),
        health_command=wanted.health_command,
        grace_seconds=GRACE_SECONDS,
        parameters={},
        fingerprint="",
    )


def _retire(system: str, environment: Mapping[str, pulumi.Input[str]], service: EcsService) -> None:
    """Nothing to do but at the end: the revisions that builds have released go with the stack."""
    local.Command(
        f"{system}-revisions",
        create="true",
        delete=RETIRE,
        environment=dict(environment),
        logging=local.Logging.STDERR,
        add_previous_output_in_env=False,
        opts=pulumi.ResourceOptions(parent=service),
    )


def _environment(
    settings: Quest16Settings, names: Names, balancer: Balancer, service: EcsService, records: Records
) -> Mapping[str, pulumi.Input[str]]:
    """What `actions.request` reads."""
    verification = Verification(timeout_seconds=settings.deploy_timeout_seconds)
    return {
        "CLUSTER": names.cluster,
        "SERVICE": service.service,
        "CONTAINER": names.container,
        "TEMPLATE": service.template_arn,
        "FAMILY": names.family,
        "DESIRED_COUNT": str(settings.container.desired_count),
        "SCALES": "false",
        "TARGET_GROUP": balancer.target_group_arn,
        "URL": pulumi.Output.concat(balancer.url, settings.container.health_path),
        "ALARMS": "",
        "RELEASES_TABLE": records.table,
        "REGION": settings.region,
        "GRACE_SECONDS": str(GRACE_SECONDS),
        **verification.environment(),
    }
