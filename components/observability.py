"""The log of a system, its alarms, and one page that shows how it is."""

import json
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws import cloudwatch

from components.dashboard import dashboard_body
from components.naming import Names

# The alarms about what users see: a release stops for these. A busy processor may be what it is to mend.
SEEN_BY_USERS = ("errors", "latency", "unhealthy-targets")


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    error_count: int  # answers 5xx per minute
    latency_seconds: float  # 95th percentile of a minute
    cpu_percent: int
    memory_percent: int


@dataclass(frozen=True, kw_only=True)
class ObservabilityArgs:
    names: Names
    region: str
    retention_days: int
    thresholds: Thresholds
    topic_arn: str | None  # hears of every alarm that begins or ends
    balancer_dimension: pulumi.Output[str]
    target_dimension: pulumi.Output[str]


class Observability(pulumi.ComponentResource):
    """Log group with retention, alarms on errors, latency, unhealthy targets, CPU and memory, and a dashboard."""

    release_alarms: tuple[pulumi.Output[str], ...]  # names
    dashboard_url: str

    def __init__(self, name: str, args: ObservabilityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:observability:Observability", name, None, opts)
        cloudwatch.LogGroup(
            f"{name}-log",
            name=args.names.log_group,
            retention_in_days=args.retention_days,
            opts=pulumi.ResourceOptions(parent=self),
        )
        alarms = {row["role"]: self._alarm(name, args, **row) for row in alarm_rows(args)}
        self.release_alarms = tuple(alarms[role].name for role in SEEN_BY_USERS)
        cloudwatch.Dashboard(
            f"{name}-dashboard",
            dashboard_name=args.names.dashboard,
            dashboard_body=pulumi.Output.all(args.balancer_dimension, args.target_dimension).apply(
                lambda dimensions: json.dumps(dashboard_body(args.names, args.region, *dimensions))
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        console = f"https://{args.region}.console.aws.amazon.com/cloudwatch/home?region={args.region}"
        self.dashboard_url = f"{console}#dashboards/dashboard/{args.names.dashboard}"
        self.register_outputs({"dashboardUrl": self.dashboard_url})

    def _alarm(self, name: str, args: ObservabilityArgs, *, role: str, **figures: Any) -> cloudwatch.MetricAlarm:
        topics = [args.topic_arn] if args.topic_arn else None
        return cloudwatch.MetricAlarm(
            f"{name}-{role}",
            name=args.names.alarm(role),
            period=60,
            treat_missing_data="notBreaching",  # no requests are no errors
            alarm_actions=topics,
            ok_actions=topics,
            opts=pulumi.ResourceOptions(parent=self),
            **figures,
        )


def alarm_rows(args: ObservabilityArgs) -> list[dict[str, Any]]:
    """One row per alarm, in CloudWatch's words."""
    targets = {"LoadBalancer": args.balancer_dimension, "TargetGroup": args.target_dimension}
    tasks = {"ClusterName": args.names.cluster, "ServiceName": args.names.service}
    limits = args.thresholds
    above = {"comparison_operator": "GreaterThanThreshold", "evaluation_periods": 3, "datapoints_to_alarm": 2}
    from_balancer = {"namespace": "AWS/ApplicationELB", **above}
    from_service = {"namespace": "AWS/ECS", "dimensions": tasks, "statistic": "Average", **above}
    return [
        {
            "role": "errors",
            "alarm_description": f"more than {limits.error_count} answers 5xx a minute",
            "metric_name": "HTTPCode_Target_5XX_Count",
            "statistic": "Sum",
            "dimensions": targets,
            "threshold": limits.error_count,
            **from_balancer,
        },
        {
            "role": "latency",
            "alarm_description": f"one answer in twenty takes more than {limits.latency_seconds} s",
            "metric_name": "TargetResponseTime",
            "extended_statistic": "p95",
            "dimensions": targets,
            "threshold": limits.latency_seconds,
            **from_balancer,
        },
        {
            "role": "unhealthy-targets",
            "alarm_description": "the load balancer finds a target unhealthy",
            "metric_name": "UnHealthyHostCount",
            "statistic": "Maximum",
            "dimensions": targets,
            "threshold": 0,
            **from_balancer,
        },
        {
            "role": "cpu",
            "alarm_description": f"tasks use more than {limits.cpu_percent} % of their CPU",
            "metric_name": "CPUUtilization",
            "threshold": limits.cpu_percent,
            **from_service,
        },
        {
            "role": "memory",
            "alarm_description": f"tasks use more than {limits.memory_percent} % of their memory",
            "metric_name": "MemoryUtilization",
            "threshold": limits.memory_percent,
            **from_service,
        },
    ]
