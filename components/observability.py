"""The alarms of a system, its log where CloudWatch keeps it, and one page that shows how it is."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws import cloudwatch

from components.alarms import SEEN_BY_USERS, Row
from components.naming import Names


@dataclass(frozen=True, kw_only=True)
class LogGroup:
    name: str
    retention_days: int


@dataclass(frozen=True, kw_only=True)
class ObservabilityArgs:
    names: Names
    region: str
    log_group: LogGroup | None  # None: the log stays where it is written
    alarms: Sequence[Row]  # see components/alarms.py
    dashboard: pulumi.Input[dict[str, Any]]  # see components/dashboard.py
    topic_arn: pulumi.Input[str] | None  # hears of every alarm that begins or ends


class Observability(pulumi.ComponentResource):
    """Log group with retention, alarms, and a dashboard."""

    release_alarms: tuple[pulumi.Output[str], ...]  # names; those about what users see
    dashboard_url: str

    def __init__(self, name: str, args: ObservabilityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:observability:Observability", name, None, opts)
        if args.log_group:
            cloudwatch.LogGroup(
                f"{name}-log",
                name=args.log_group.name,
                retention_in_days=args.log_group.retention_days,
                opts=pulumi.ResourceOptions(parent=self),
            )
        alarms = {row["role"]: self._alarm(name, args, **row) for row in args.alarms}
        self.release_alarms = tuple(alarms[role].name for role in SEEN_BY_USERS if role in alarms)
        cloudwatch.Dashboard(
            f"{name}-dashboard",
            dashboard_name=args.names.dashboard,
            dashboard_body=pulumi.Output.from_input(args.dashboard).apply(json.dumps),
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
            treat_missing_data="notBreaching",  # no requests are no errors
            alarm_actions=topics,
            ok_actions=topics,
            opts=pulumi.ResourceOptions(parent=self),
            **{"period": 60, **figures},
        )
