"""TeamMoa: an application in Docker Compose on hosts behind a load balancer, its data host, and its releases."""

from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi_aws import acm

from components import policies_fleet
from components.alarm_topic import AlarmTopic, AlarmTopicArgs
from components.alarms import UserThresholds, alone_rows, host_rows, user_rows
from components.arns import Arns
from components.backups import Backups, BackupsArgs
from components.balancer import Balancer, BalancerArgs, Stickiness, TargetHealth
from components.configuration import Configuration, ConfigurationArgs
from components.cost import MonthlyCost, PricedHost, monthly_cost
from components.dashboard import fleet_dashboard
from components.data_host import DataHost
from components.deploying_key import DeployingKey, DeployingKeyArgs
from components.fleet import Fleet
from components.identity import Identity, IdentityArgs
from components.money import Budget, BudgetArgs
from components.naming import Names
from components.network import Network
from components.observability import Observability, ObservabilityArgs
from components.own_door import OwnDoor, OwnDoorArgs
from components.records import Records
from components.registry import Registry
from components.release.data_project import DataProject
from components.release.rolling import FleetHost, RollingRelease, RollingReleaseArgs
from components.release.verify import Verification
from stacks import shared_parts as parts
from stacks import teammoa_hosts as hosts
from stacks.last_release import last_released_tag
from stacks.teammoa_settings import TeamMoaSettings

SYSTEM = "teammoa"


def declare(settings: TeamMoaSettings) -> None:
    """Everything TeamMoa needs in one environment and, once an image is named, its release."""
    names = Names(base=settings.name, environment=settings.environment)
    provider = parts.provider(SYSTEM, settings)

    def options(*after: pulumi.Resource | None) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(provider=provider, depends_on=[one for one in after if one])

    network = Network(SYSTEM, parts.network(settings), options())
    registry = Registry(SYSTEM, parts.registry(settings), options())
    records = Records(SYSTEM, parts.records(settings, names), options())
    balancer = Balancer(SYSTEM, _balancer(settings, names, network, provider), options()) if settings.balancer else None
    key = DeployingKey(SYSTEM, _key(settings, names), options())
    arns = parts.arns(settings, names, provider)  # waits for AWS, so it comes after what needs none
    image = hosts.image_id(settings, provider)
    place = hosts.Place(names=names, arns=arns, network=network, image_id=image, options=options())
    bucket = settings.backup.bucket or names.backup_bucket(arns.account)
    fleet = Fleet(SYSTEM, hosts.fleet(settings, place, balancer, bucket), options(key))
    door = balancer or OwnDoor(SYSTEM, _own_door(settings, names, fleet), options())
    serving = _serving(settings, fleet, door)

    data = backups = keeper = None
    if settings.data.mode != "managed":
        retention = settings.backup.retention_days
        backups = Backups(SYSTEM, BackupsArgs(bucket=bucket, retention_days=retention), options())
    if settings.data.mode == "host":
        data = DataHost(SYSTEM, hosts.data_host(settings, place, fleet, bucket), options(key))
        keeper = hosts.Keeper(host=data.host, security_group_id=data.security_group_id)
    elif settings.data.mode == "same":
        keeper = hosts.Keeper(host=serving[0], security_group_id=fleet.security_group_id)
    every = [*serving, *([data.host] if data else [])]
    configuration = Configuration(SYSTEM, _configuration(settings, names, data), options())
    project = None
    if keeper and backups:
        given = hosts.data_project(settings, names, keeper, registry, backups.bucket)
        project = DataProject(SYSTEM, given, options(data, fleet, configuration, backups, key))

    topic = _topic(settings, names, options())
    observability = Observability(SYSTEM, _observability(settings, names, balancer, every, topic), options())
    identity = Identity(SYSTEM, _identity(settings, names, arns, fleet, backups), options())
    if settings.budget:
        given_budget = BudgetArgs(
            name=names.budget,
            system=SYSTEM,
            monthly_usd=settings.budget.monthly_usd,
            email=settings.budget.email,
        )
        Budget(SYSTEM, given_budget, options())

    tag = settings.image_tag or last_released_tag()
    if tag:
        release = RollingRelease(
            SYSTEM,
            _release(settings, names, tag, registry, door, fleet, configuration, observability, records),
            options(fleet, door, configuration, observability, records, registry, key, project),
        )
        pulumi.export("imageTag", release.image_tag)
        pulumi.export("release", release.proof)

    cost = _cost(settings)
    pulumi.export("url", door.url)
    pulumi.export("hosts", [{"name": one.name, "instance": one.instance, "address": one.address} for one in every])
    pulumi.export("repositoryUrl", registry.url)
    pulumi.export("githubRoleArn", identity.release_role_arn)
    pulumi.export("githubPreviewRoleArn", identity.preview_role_arn)
    pulumi.export("dashboard", observability.dashboard_url)
    pulumi.export("monthlyCostUsd", cost.total)
    pulumi.export("monthlyCost", {**cost.parts, **{f"{kind}: price not known": None for kind in cost.unknown}})
    pulumi.export("backupBucket", backups.bucket if backups else None)


def _key(settings: TeamMoaSettings, names: Names) -> DeployingKeyArgs:
    return DeployingKeyArgs(parameter=names.ssh_key, host_keys_prefix=names.host_keys, region=settings.region)


def _health(settings: TeamMoaSettings) -> TargetHealth:
    check = settings.health_check
    return TargetHealth(
        path=settings.health_path,
        interval=check.interval_seconds,
        timeout=check.timeout_seconds,
        healthy_threshold=check.healthy_threshold,
        unhealthy_threshold=check.unhealthy_threshold,
    )


def _certificate(settings: TeamMoaSettings, provider: aws.Provider) -> pulumi.Input[str] | None:
    if not settings.certificate_domain:
        return settings.certificate_arn
    options = pulumi.InvokeOutputOptions(provider=provider)
    domain = settings.certificate_domain
    return acm.get_certificate_output(domain=domain, statuses=["ISSUED"], most_recent=True, opts=options).arn


def _balancer(settings: TeamMoaSettings, names: Names, network: Network, provider: aws.Provider) -> BalancerArgs:
    return BalancerArgs(
        names=names,
        network=network,
        target_port=hosts.PORT,
        target_type="instance",
        health=_health(settings),
        deregistration_delay=settings.deregistration_delay_seconds,
        certificate_arn=_certificate(settings, provider),
        domain=settings.domain,
        deletion_protection=settings.deletion_protection,
        stickiness=Stickiness(cookie=settings.stickiness.cookie, seconds=settings.stickiness.seconds),
        idle_timeout=settings.idle_timeout_seconds,
    )


def _own_door(settings: TeamMoaSettings, names: Names, fleet: Fleet) -> OwnDoorArgs:
    (host,) = fleet.hosts.values()
    return OwnDoorArgs(names=names, host=host, security_group_id=fleet.security_group_id, domain=settings.domain)


def _serving(settings: TeamMoaSettings, fleet: Fleet, door: Balancer | OwnDoor) -> list[FleetHost]:
    """The hosts that serve, in the order of a release, as they are reached."""
    return [door.host] if isinstance(door, OwnDoor) else [fleet.hosts[name] for name in settings.hosts]


def _configuration(settings: TeamMoaSettings, names: Names, data: DataHost | None) -> ConfigurationArgs:
    found = hosts.found_by_hosts(settings, data)
    return ConfigurationArgs(names=names, settings=settings.settings, found=found, secrets=settings.secrets)


def _topic(settings: TeamMoaSettings, names: Names, options: pulumi.ResourceOptions) -> pulumi.Input[str] | None:
    """Somebody else's topic, or one of the stack's own for a mail address."""
    if settings.alarms.email:
        return AlarmTopic(SYSTEM, AlarmTopicArgs(name=names.topic, email=settings.alarms.email), options).arn
    return settings.alarms.topic_arn


def _observability(
    settings: TeamMoaSettings,
    names: Names,
    balancer: Balancer | None,
    every: list[FleetHost],
    topic: pulumi.Input[str] | None,
) -> ObservabilityArgs:
    limits = settings.alarms
    instances = {host.name: host.instance for host in every}
    rows = host_rows(limits.cpu_percent, limits.disk_percent, instances)
    targets: pulumi.Output[Any] | None = None
    if balancer:
        users = UserThresholds(error_count=limits.error_count, latency_seconds=limits.latency_seconds)
        dimensions = {"LoadBalancer": balancer.dimension, "TargetGroup": balancer.target_dimension}
        rows = [*user_rows(users, dimensions), *rows]
        targets = pulumi.Output.all(balancer.dimension, balancer.target_dimension)
    else:
        rows += alone_rows(every[0].name, every[0].instance, certificate=settings.lets_encrypt is not None)
    return ObservabilityArgs(
        names=names,
        region=settings.region,
        log_group=None,  # `docker compose logs` on the hosts, kept short
        alarms=rows,
        dashboard=pulumi.Output.all(targets, pulumi.Output.all(**instances)).apply(
            lambda known: fleet_dashboard(settings.region, *known)
        ),
        topic_arn=topic,
    )


def _identity(
    settings: TeamMoaSettings, names: Names, arns: Arns, fleet: Fleet, backups: Backups | None
) -> IdentityArgs:
    backend = parts.backend(settings)
    kept = [names.parameter(variable) for variable in (*settings.settings, "DB_HOST", "REDIS_HOST")]
    instances = [host.instance for host in fleet.hosts.values()]
    release = pulumi.Output.all(fleet.security_group_id, *instances).apply(
        lambda known: policies_fleet.release_policy(
            arns,
            security_group=known[0],
            instances=known[1:],
            method=settings.access.method,
            backend=backend,
            balancer=settings.balancer,
        )
    )
    bucket = (settings.backup.bucket or names.backup_bucket(arns.account)) if backups else None
    preview = policies_fleet.preview_policy(arns, parameters=kept, backup_bucket=bucket, backend=backend)
    return parts.identity(settings, names, arns, release_policy=release, preview_policy=preview)


def _release(
    settings: TeamMoaSettings,
    names: Names,
    tag: str,
    registry: Registry,
    door: Balancer | OwnDoor,
    fleet: Fleet,
    configuration: Configuration,
    observability: Observability,
    records: Records,
) -> RollingReleaseArgs:
    rolling, verification = settings.rolling, settings.verification
    compose, nginx = hosts.web_texts(settings, registry, configuration.fingerprint)
    websocket = door.url.apply(lambda url: f"ws{url.removeprefix('http')}{settings.websocket_path}")
    return RollingReleaseArgs(
        image=pulumi.Output.concat(registry.url, ":", tag),
        hosts=tuple(_serving(settings, fleet, door)),
        security_group_id=fleet.security_group_id,
        access=hosts.access(settings, names),
        target_group_arn=door.target_group_arn if isinstance(door, Balancer) else None,
        certificate=hosts.certificate(settings, registry),
        port=hosts.PORT,
        url=pulumi.Output.concat(door.url, settings.health_path),
        websocket_url=websocket if settings.websocket_path else "",
        compose=compose,
        nginx=nginx,
        variables=configuration.parameters,
        alarms=observability.release_alarms,
        table=records.table,
        region=settings.region,
        verification=Verification(passes=verification.passes, timeout_seconds=verification.timeout_seconds),
        project=hosts.WEB_PROJECT,
        directory=hosts.WEB_DIRECTORY,
        wave_size=rolling.wave_size,
        drain_seconds=rolling.drain_seconds,
        health_retries=rolling.health_retries,
        health_interval_seconds=rolling.health_interval_seconds,
        migrate=rolling.migrate,
    )


def _cost(settings: TeamMoaSettings) -> MonthlyCost:
    web = PricedHost(instance_type=settings.instance_type, volume_size=settings.volume_size)
    data = PricedHost(instance_type=settings.data.instance_type, volume_size=settings.data.volume_size)
    made = [web] * settings.host_count + ([data] if settings.data.mode == "host" else [])
    return monthly_cost(made, balancer=settings.balancer)
