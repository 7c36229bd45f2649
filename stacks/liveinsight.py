"""LiveInsight: an application on ECS Fargate behind a load balancer, and its releases."""

import pulumi

from components import policies
from components.alarms import UserThresholds, task_rows, user_rows
from components.arns import Arns
from components.autoscaling import Autoscaling, AutoscalingArgs
from components.balancer import Balancer, BalancerArgs, TargetHealth
from components.configuration import Configuration, ConfigurationArgs
from components.dashboard import service_dashboard
from components.identity import Identity, IdentityArgs
from components.naming import Names
from components.network import Network
from components.observability import LogGroup, Observability, ObservabilityArgs
from components.records import Records
from components.registry import Registry
from components.release.ecs import EcsRelease, EcsReleaseArgs
from components.release.verify import Verification
from components.service import EcsService, ServiceArgs
from stacks import shared_parts as parts
from stacks.last_release import last_released_tag
from stacks.liveinsight_settings import AutoscalingSettings, LiveInsightSettings

SYSTEM = "liveinsight"


def declare(settings: LiveInsightSettings) -> None:
    """Everything LiveInsight needs in one environment and, once an image is named, its release."""
    names = Names(base=settings.name, environment=settings.environment)
    provider = parts.provider(SYSTEM, settings)

    def options(*after: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(provider=provider, depends_on=list(after))

    network = Network(SYSTEM, parts.network(settings), options())
    registry = Registry(SYSTEM, parts.registry(settings), options())
    records = Records(SYSTEM, parts.records(settings, names), options())
    configuration = Configuration(SYSTEM, _configuration(settings, names), options())
    balancer = Balancer(SYSTEM, _balancer(settings, names, network), options())
    observability = Observability(SYSTEM, _observability(settings, names, balancer), options())
    arns = parts.arns(settings, names, provider)  # waits for AWS, so it comes after what needs none
    service = EcsService(SYSTEM, _service(settings, names, arns, network, balancer, registry, configuration), options())
    identity = Identity(SYSTEM, _identity(settings, names, arns), options())

    tag = settings.image_tag or last_released_tag()
    if tag:
        release = EcsRelease(
            SYSTEM,
            _release(settings, names, tag, registry, balancer, service, observability, records),
            options(service, balancer, configuration, observability, records, registry),
        )
        if settings.autoscaling:
            Autoscaling(SYSTEM, _autoscaling(settings.autoscaling, names, balancer), options(release))
        pulumi.export("imageTag", release.image_tag)
        pulumi.export("release", release.proof)

    pulumi.export("url", balancer.url)
    pulumi.export("repositoryUrl", registry.url)
    pulumi.export("cluster", service.cluster)
    pulumi.export("service", service.service)
    pulumi.export("githubRoleArn", identity.release_role_arn)
    pulumi.export("githubPreviewRoleArn", identity.preview_role_arn)
    pulumi.export("dashboard", observability.dashboard_url)


def _configuration(settings: LiveInsightSettings, names: Names) -> ConfigurationArgs:
    return ConfigurationArgs(names=names, settings=settings.settings, secrets=settings.secrets)


def _health(settings: LiveInsightSettings) -> TargetHealth:
    check = settings.health_check
    return TargetHealth(
        path=settings.health_path,
        interval=check.interval_seconds,
        timeout=check.timeout_seconds,
        healthy_threshold=check.healthy_threshold,
        unhealthy_threshold=check.unhealthy_threshold,
    )


def _balancer(settings: LiveInsightSettings, names: Names, network: Network) -> BalancerArgs:
    return BalancerArgs(
        names=names,
        network=network,
        target_port=settings.container_port,
        health=_health(settings),
        deregistration_delay=settings.deregistration_delay_seconds,
        certificate_arn=settings.certificate_arn,
        domain=settings.domain,
        deletion_protection=settings.deletion_protection,
    )


def _observability(settings: LiveInsightSettings, names: Names, balancer: Balancer) -> ObservabilityArgs:
    limits = settings.alarms
    users = UserThresholds(error_count=limits.error_count, latency_seconds=limits.latency_seconds)
    targets = {"LoadBalancer": balancer.dimension, "TargetGroup": balancer.target_dimension}
    service = {"ClusterName": names.cluster, "ServiceName": names.service}
    return ObservabilityArgs(
        names=names,
        region=settings.region,
        log_group=LogGroup(name=names.log_group, retention_days=settings.log_retention_days),
        alarms=[*user_rows(users, targets), *task_rows(limits.cpu_percent, limits.memory_percent, service)],
        dashboard=pulumi.Output.all(balancer.dimension, balancer.target_dimension).apply(
            lambda dimensions: service_dashboard(names, settings.region, *dimensions)
        ),
        topic_arn=limits.topic_arn,
    )


def _service(
    settings: LiveInsightSettings,
    names: Names,
    arns: Arns,
    network: Network,
    balancer: Balancer,
    registry: Registry,
    configuration: Configuration,
) -> ServiceArgs:
    return ServiceArgs(
        names=names,
        arns=arns,
        network=network,
        balancer=balancer,
        repository_url=registry.url,
        region=settings.region,
        port=settings.container_port,
        cpu=settings.cpu,
        memory=settings.memory,
        health=_health(settings),
        health_command=settings.health_check.command,
        grace_seconds=settings.health_check.grace_period_seconds,
        parameters=configuration.parameters,
        fingerprint=configuration.fingerprint,
    )


def _identity(settings: LiveInsightSettings, names: Names, arns: Arns) -> IdentityArgs:
    backend, parameters = parts.backend(settings), [names.parameter(variable) for variable in settings.settings]
    return parts.identity(
        settings,
        names,
        arns,
        release_policy=policies.release_policy(arns, backend),
        preview_policy=policies.preview_policy(arns, parameters, backend),
    )


def _release(
    settings: LiveInsightSettings,
    names: Names,
    tag: str,
    registry: Registry,
    balancer: Balancer,
    service: EcsService,
    observability: Observability,
    records: Records,
) -> EcsReleaseArgs:
    verification = settings.verification
    return EcsReleaseArgs(
        image=pulumi.Output.concat(registry.url, ":", tag),
        cluster=names.cluster,
        service=service.service,
        container=names.container,
        template=service.template_arn,
        family=names.family,
        desired_count=settings.desired_count,
        scales=settings.autoscaling is not None,
        target_group_arn=balancer.target_group_arn,
        url=pulumi.Output.concat(balancer.url, settings.health_path),
        alarms=observability.release_alarms,
        table=records.table,
        region=settings.region,
        verification=Verification(passes=verification.passes, timeout_seconds=verification.timeout_seconds),
        grace_seconds=settings.health_check.grace_period_seconds,
    )


def _autoscaling(scaling: AutoscalingSettings, names: Names, balancer: Balancer) -> AutoscalingArgs:
    return AutoscalingArgs(
        names=names,
        min=scaling.min,
        max=scaling.max,
        cpu_percent=scaling.cpu_percent,
        memory_percent=scaling.memory_percent,
        requests_per_target=scaling.requests_per_target,
        balancer_dimension=balancer.dimension,
        target_dimension=balancer.target_dimension,
    )
