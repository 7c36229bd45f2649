"""Which alarms a system has: one row per alarm, in CloudWatch's words. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

Row = dict[str, Any]
Dimensions = Mapping[str, pulumi.Input[str]]

ABOVE = {"comparison_operator": "GreaterThanThreshold", "evaluation_periods": 3, "datapoints_to_alarm": 2}
SEEN_BY_USERS = ("errors", "latency", "unhealthy-targets")  # a release stops for these
CERTIFICATE_DAYS = 14  # it is renewed a month before its end
HOST_METRICS = "InfraRelease/Hosts"  # what the hosts report of themselves, see components/user_data.py


@dataclass(frozen=True, kw_only=True)
class UserThresholds:
    error_count: int  # answers 5xx per minute
    latency_seconds: float  # 95th percentile of a minute


def user_rows(limits: UserThresholds, targets: Dimensions) -> list[Row]:
    """What users see: a busy processor may be what a release is to mend, these are not."""
    from_balancer = {"namespace": "AWS/ApplicationELB", "dimensions": targets, **ABOVE}
    return [
        {
            "role": "errors",
            "alarm_description": f"more than {limits.error_count} answers 5xx a minute",
            "metric_name": "HTTPCode_Target_5XX_Count",
            "statistic": "Sum",
            "threshold": limits.error_count,
            **from_balancer,
        },
        {
            "role": "latency",
            "alarm_description": f"one answer in twenty takes more than {limits.latency_seconds} s",
            "metric_name": "TargetResponseTime",
            "extended_statistic": "p95",
            "threshold": limits.latency_seconds,
            **from_balancer,
        },
        {
            "role": "unhealthy-targets",
            "alarm_description": "the load balancer finds a target unhealthy",
            "metric_name": "UnHealthyHostCount",
            "statistic": "Maximum",
            "threshold": 0,
            **from_balancer,
        },
    ]


def task_rows(cpu_percent: int, memory_percent: int, service: Dimensions) -> list[Row]:
    """The load of an ECS service."""
    from_service = {"namespace": "AWS/ECS", "dimensions": service, "statistic": "Average", **ABOVE}
    return [
        {
            "role": "cpu",
            "alarm_description": f"tasks use more than {cpu_percent} % of their CPU",
            "metric_name": "CPUUtilization",
            "threshold": cpu_percent,
            **from_service,
        },
        {
            "role": "memory",
            "alarm_description": f"tasks use more than {memory_percent} % of their memory",
            "metric_name": "MemoryUtilization",
            "threshold": memory_percent,
            **from_service,
        },
    ]


def alone_rows(host: str, instance: pulumi.Input[str], *, certificate: bool) -> list[Row]:
    """What nobody else would notice of a host that serves alone: that it is gone, and that its certificate ends."""
    of_host = {"dimensions": {"InstanceId": instance}, **ABOVE}
    rows: list[Row] = [
        {
            "role": f"{host}-status",
            "alarm_description": f"{host} fails AWS's checks of its state",
            "namespace": "AWS/EC2",
            "metric_name": "StatusCheckFailed",
            "statistic": "Maximum",
            "threshold": 0,
            **of_host,
        }
    ]
    if certificate:
        rows.append(
            {
                "role": f"{host}-certificate",
                "alarm_description": f"the certificate of {host} ends within {CERTIFICATE_DAYS} days",
                "namespace": HOST_METRICS,
                "metric_name": "CertificateDays",
                "statistic": "Minimum",
                "period": 86400,
                "threshold": CERTIFICATE_DAYS,
                **of_host,
                "comparison_operator": "LessThanThreshold",
                "evaluation_periods": 1,
                "datapoints_to_alarm": 1,
            }
        )
    return rows


def host_rows(cpu_percent: int, disk_percent: int, hosts: Mapping[str, pulumi.Input[str]]) -> list[Row]:
    """The load and the disk of each host; `hosts` are instance ids by name."""
    rows: list[Row] = []
    for name, instance in hosts.items():
        of_host = {"dimensions": {"InstanceId": instance}, "statistic": "Average", "period": 300, **ABOVE}
        rows += [
            {
                "role": f"{name}-cpu",
                "alarm_description": f"{name} uses more than {cpu_percent} % of its CPU",
                "namespace": "AWS/EC2",
                "metric_name": "CPUUtilization",
                "threshold": cpu_percent,
                **of_host,
            },
            {
                "role": f"{name}-disk",
                "alarm_description": f"the disk of {name} is more than {disk_percent} % full",
                "namespace": HOST_METRICS,
                "metric_name": "DiskUsedPercent",
                "threshold": disk_percent,
                **of_host,
            },
        ]
    return rows
