"""LiveInsight's settings. Defaults are the document's figures, else AWS's; what no default can know is necessary."""

import re
from dataclasses import dataclass, field

from components.naming import LONGEST_NAME
from stacks import shared_settings as shared
from stacks.config_reader import Section


@dataclass(frozen=True, kw_only=True)
class HealthCheckSettings:
    """The balancer's question to a target, and the time a new task has before its answers count."""

    interval_seconds: int
    timeout_seconds: int
    healthy_threshold: int
    unhealthy_threshold: int
    grace_period_seconds: int
    command: str | None  # asked inside the container, by its shell; None = the health path, asked with Python


@dataclass(frozen=True, kw_only=True)
class AutoscalingSettings:
    """Task counts between which the service follows its load; each target absent = not watched."""

    min: int
    max: int
    cpu_percent: int | None
    memory_percent: int | None
    requests_per_target: int | None  # per minute


@dataclass(frozen=True, kw_only=True)
class VerificationSettings:
    passes: int  # consecutive answers of the health path through the balancer
    timeout_seconds: int


@dataclass(frozen=True, kw_only=True)
class AlarmSettings:
    error_count: int  # answers 5xx per minute
    latency_seconds: float  # 95th percentile
    cpu_percent: int
    memory_percent: int
    topic_arn: str | None  # SNS topic that hears of alarms


@dataclass(frozen=True, kw_only=True)
class LiveInsightSettings:
    environment: str = field(metadata={"program": True})  # the stack name's second half
    image_tag: str | None  # None = what the stack released last
    region: str
    account_id: str | None  # a guard against the wrong account's credentials
    name: str
    repository: str
    vpc_id: str | None
    subnet_ids: tuple[str, ...]
    vpc_cidr: str
    availability_zones: tuple[str, ...]
    domain: str | None
    certificate_arn: str | None
    container_port: int
    health_path: str
    health_check: HealthCheckSettings
    deregistration_delay_seconds: int
    cpu: int
    memory: int
    desired_count: int
    autoscaling: AutoscalingSettings | None
    settings: dict[str, str]  # variable → value
    secrets: dict[str, str]  # variable → name of an SSM SecureString that exists
    log_retention_days: int
    verification: VerificationSettings
    github: shared.GithubSettings
    alarms: AlarmSettings
    deletion_protection: bool
    create_oidc_provider: bool
    keep_images: int
    backend: shared.BackendSettings | None


def read(environment: str, config: Section) -> LiveInsightSettings:
    region = config.text("region", "us-east-1", r"[a-z]{2}(-[a-z]+)+-\d", "an AWS region such as us-east-1")
    desired_count = config.integer("desiredCount", 2, 1, 1000, "to serve nobody, use `pulumi destroy`")
    shared.check_pairs(config)
    return LiveInsightSettings(
        environment=environment,
        image_tag=shared.image_tag(config),
        region=region,
        account_id=config.optional_text("accountId", r"\d{12}", "an account number of 12 digits, in quotes"),
        name=_name(config),
        repository=config.text(
            "repository", "liveinsight-app", r"[a-z0-9]+([._/-][a-z0-9]+)*", "a repository name in lower case"
        ),
        vpc_id=config.optional_text("vpcId", r"vpc-[0-9a-f]+", "the id of a VPC such as vpc-0a1b2c3d"),
        subnet_ids=shared.subnet_ids(config),
        vpc_cidr=shared.vpc_cidr(config),
        availability_zones=shared.availability_zones(config, region),
        domain=config.optional_text(
            "domain", r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}", "a host name such as live.example.com"
        ),
        certificate_arn=config.optional_text(
            "certificateArn",
            rf"arn:aws[a-z-]*:acm:{region}:\d{{12}}:certificate/[\w-]+",
            f"the ARN of an ACM certificate of region {region}",
        ),
        container_port=config.integer("containerPort", 8000, 1, 65535),
        health_path=config.text(  # it also stands in a shell command: no quote, backtick, $ or backslash
            "healthPath",
            "/health/",
            r"/((?!['\"`$\\])[!-~]){0,1023}",
            "a path that begins with / such as /health/, without quotes, backticks, $ and backslashes",
        ),
        health_check=_health_check(config),
        deregistration_delay_seconds=config.integer("deregistrationDelaySeconds", 300, 0, 3600),
        desired_count=desired_count,
        **shared.fargate_size(config),
        autoscaling=_autoscaling(config, desired_count) if config.has("autoscaling") else None,
        settings=config.mapping("settings", shared.wrong_setting, "a map of variable names to texts"),
        secrets=shared.secret_names(config),
        log_retention_days=shared.log_retention_days(config),
        verification=_verification(config),
        github=shared.github(config),
        alarms=_alarms(config, region),
        deletion_protection=config.flag("deletionProtection", False),
        create_oidc_provider=config.flag("createOidcProvider", True),
        keep_images=config.integer("keepImages", 30, 2, 1000, "at least the last release and this one"),
        backend=shared.backend(config) if config.has("backend") else None,
    )


def _name(config: Section) -> str:
    right = f"a name of at most {LONGEST_NAME} letters, digits and single hyphens that begins with a letter"
    name = config.text("name", "LiveInsight", rf"(?=.{{1,{LONGEST_NAME}}}$)[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*", right)
    if re.match(r"aws|ssm|internal-", name, re.IGNORECASE):
        config.refuse("name", f"is {name}, but AWS keeps names that begin with aws, ssm or internal- to itself")
    return name


def _health_check(config: Section) -> HealthCheckSettings:
    check = config.section("healthCheck", HealthCheckSettings)
    interval = check.integer("intervalSeconds", 30, 5, 300)
    longest = min(120, interval - 1)  # 120 is AWS's
    timeout = check.integer("timeoutSeconds", min(5, longest), 2, longest, f"less than the interval of {interval}")
    return HealthCheckSettings(
        interval_seconds=interval,
        timeout_seconds=timeout,
        healthy_threshold=check.integer("healthyThreshold", 5, 2, 10),
        unhealthy_threshold=check.integer("unhealthyThreshold", 2, 2, 10),
        grace_period_seconds=check.integer("gracePeriodSeconds", 60, 0, 7200),
        command=check.optional_text("command", r"(?s).*\S.*", "a shell command that exits 0 when all is well"),
    )


def _autoscaling(config: Section, desired_count: int) -> AutoscalingSettings:
    scaling = config.section("autoscaling", AutoscalingSettings)
    minimum = scaling.integer("min", desired_count, 1, 1000)
    maximum = scaling.integer("max", max(minimum, desired_count), minimum, 1000, "at least min")
    if not minimum <= desired_count <= maximum:
        config.refuse("desiredCount", f"is {desired_count}, but must lie within autoscaling's {minimum} to {maximum}")
    targets = {
        key: scaling.integer(key, low, low, high) if scaling.has(key) else None
        for key, low, high in (("cpuPercent", 1, 100), ("memoryPercent", 1, 100), ("requestsPerTarget", 1, 10**6))
    }
    if not any(targets.values()):
        config.expect("autoscaling", "a map with at least one of cpuPercent, memoryPercent, requestsPerTarget")
    return AutoscalingSettings(
        min=minimum,
        max=maximum,
        cpu_percent=targets["cpuPercent"],
        memory_percent=targets["memoryPercent"],
        requests_per_target=targets["requestsPerTarget"],
    )


def _verification(config: Section) -> VerificationSettings:
    verification = config.section("verification", VerificationSettings)
    return VerificationSettings(
        passes=verification.integer("passes", 3, 1, 100),
        timeout_seconds=verification.integer("timeoutSeconds", 600, 30, 3600),
    )


def _alarms(config: Section, region: str) -> AlarmSettings:
    alarms = config.section("alarms", AlarmSettings)
    return AlarmSettings(
        error_count=alarms.integer("errorCount", 10, 1, 10**6),
        latency_seconds=alarms.number("latencySeconds", 2.0, 0.01, 300),
        cpu_percent=alarms.integer("cpuPercent", 85, 1, 100),
        memory_percent=alarms.integer("memoryPercent", 85, 1, 100),
        topic_arn=alarms.optional_text(
            "topicArn", rf"arn:aws[a-z-]*:sns:{region}:\d{{12}}:[\w-]+", f"the ARN of an SNS topic of region {region}"
        ),
    )
