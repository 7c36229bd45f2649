"""LiveInsight's settings. Defaults are the document's figures, else AWS's; what no default can know is necessary."""

from dataclasses import dataclass

from stacks import service_settings as service
from stacks import shared_settings as shared
from stacks.config_reader import Section
from stacks.service_settings import ServiceSettings


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
class AlarmSettings:
    error_count: int  # answers 5xx per minute
    latency_seconds: float  # 95th percentile
    cpu_percent: int
    memory_percent: int
    topic_arn: str | None  # SNS topic that hears of alarms


@dataclass(frozen=True, kw_only=True)
class LiveInsightSettings(ServiceSettings):
    container_port: int
    health_check: HealthCheckSettings
    cpu: int
    memory: int
    desired_count: int
    autoscaling: AutoscalingSettings | None
    log_retention_days: int
    alarms: AlarmSettings


def read(environment: str, config: Section) -> LiveInsightSettings:
    common = service.read(
        *(environment, config),
        region="us-east-1",
        name="LiveInsight",
        repository="liveinsight-app",
        vpc_cidr="10.20.0.0/16",
    )
    desired_count = config.integer("desiredCount", 2, 1, 1000, "to serve nobody, use `pulumi destroy`")
    shared.check_pairs(config, ("domain", "certificateArn", "a certificate is for a domain"))
    size = shared.fargate_size(config)
    return LiveInsightSettings(
        **common,
        container_port=config.integer("containerPort", 8000, 1, 65535),
        health_check=_health_check(config),
        desired_count=desired_count,
        cpu=size["cpu"],
        memory=size["memory"],
        autoscaling=_autoscaling(config, desired_count) if config.has("autoscaling") else None,
        log_retention_days=shared.log_retention_days(config),
        alarms=_alarms(config, common["region"]),
    )


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


def _alarms(config: Section, region: str) -> AlarmSettings:
    alarms = config.section("alarms", AlarmSettings)
    return AlarmSettings(
        error_count=alarms.integer("errorCount", 10, 1, 10**6),
        latency_seconds=alarms.number("latencySeconds", 2.0, 0.01, 300),
        cpu_percent=alarms.integer("cpuPercent", 85, 1, 100),
        memory_percent=alarms.integer("memoryPercent", 85, 1, 100),
        topic_arn=shared.topic_arn(alarms, region),
    )
