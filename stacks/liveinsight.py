"""LiveInsight: an application on ECS Fargate behind a load balancer, and its releases."""

import pulumi
import pulumi_aws as aws

from components.arns import Arns
from components.autoscaling import Autoscaling, AutoscalingArgs
from components.balancer import Balancer, BalancerArgs, TargetHealth
from components.configuration import Configuration, ConfigurationArgs
from components.identity import Identity, IdentityArgs
from components.naming import Names, default_tags
from components.network import ExistingNetwork, Network, NetworkArgs, OwnNetwork
from components.observability import Observability, ObservabilityArgs, Thresholds
from components.policies import Backend
from components.records import Records, RecordsArgs
from components.registry import Registry, RegistryArgs
from components.release.ecs import EcsRelease, EcsReleaseArgs
from components.release.verify import Verification
from components.service import EcsService, ServiceArgs
from stacks.last_release import last_released_tag
from stacks.liveinsight_settings import AutoscalingSettings, LiveInsightSettings

SYSTEM = "liveinsight"


def declare(settings: LiveInsightSettings) -> None:
    """Everything LiveInsight needs in one environment and, once an image is named, its release."""
    names = Names(base=settings.name, environment=settings.environment)
    provider = _provider(settings)

    def options(*after: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(provider=provider, depends_on=list(after))

    network = Network(SYSTEM, _network(settings), options())
    registry = Registry(SYSTEM, _registry(settings), options())
    records = Records(SYSTEM, _records(settings, names), options())
    configuration = Configuration(SYSTEM, _configuration(settings, names), options())
    balancer = Balancer(SYSTEM, _balancer(settings, names, network), options())
    observability = Observability(SYSTEM, _observability(settings, names, balancer), options())
    arns = _arns(settings, names, provider)  # waits for AWS, so it comes after what needs none
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


def _provider(settings: LiveInsightSettings) -> aws.Provider:
    return aws.Provider(
        "aws",
        region=settings.region,
        allowed_account_ids=[settings.account_id] if settings.account_id else None,
        default_tags=aws.ProviderDefaultTagsArgs(tags=default_tags(SYSTEM, settings.environment)),
    )


def _arns(settings: LiveInsightSettings, names: Names, provider: aws.Provider) -> Arns:
    """The system's ARNs; ends the program with one sentence when AWS does not tell the account."""
    try:
        account = aws.get_caller_identity(opts=pulumi.InvokeOptions(provider=provider)).account_id
    except Exception as error:  # the SDK raises no narrower one
        reason = str(error).rpartition("getCallerIdentity: ")[2]
        raise pulumi.RunError(f"AWS does not tell whose account this is: {reason}") from None
    return Arns(account=account, region=settings.region, names=names, repository_name=settings.repository)


def _network(settings: LiveInsightSettings) -> NetworkArgs:
    if settings.vpc_id:
        return NetworkArgs(
            base_name=settings.name, source=ExistingNetwork(vpc_id=settings.vpc_id, subnet_ids=settings.subnet_ids)
        )
    return NetworkArgs(
        base_name=settings.name, source=OwnNetwork(cidr=settings.vpc_cidr, zones=settings.availability_zones)
    )


def _registry(settings: LiveInsightSettings) -> RegistryArgs:
    return RegistryArgs(
        repository=settings.repository,
        keep_images=settings.keep_images,
        deletable=not settings.deletion_protection,
    )


def _records(settings: LiveInsightSettings, names: Names) -> RecordsArgs:
    return RecordsArgs(table=names.table, deletion_protection=settings.deletion_protection)


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
    return ObservabilityArgs(
        names=names,
        region=settings.region,
        retention_days=settings.log_retention_days,
        thresholds=Thresholds(
            error_count=settings.alarms.error_count,
            latency_seconds=settings.alarms.latency_seconds,
            cpu_percent=settings.alarms.cpu_percent,
            memory_percent=settings.alarms.memory_percent,
        ),
        topic_arn=settings.alarms.topic_arn,
        balancer_dimension=balancer.dimension,
        target_dimension=balancer.target_dimension,
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
    github, backend = settings.github, settings.backend
    return IdentityArgs(
        arns=arns,
        release_role=names.release_role,
        preview_role=names.preview_role,
        repository=github.repository,
        claim=f"environment:{github.environment}" if github.environment else f"ref:refs/heads/{github.branch}",
        organization_id=github.organization_id,
        repository_id=github.repository_id,
        setting_parameters=[names.parameter(variable) for variable in settings.settings],
        backend=Backend(bucket=backend.bucket, kms_key_arn=backend.kms_key_arn) if backend else None,
        create_provider=settings.create_oidc_provider,
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
