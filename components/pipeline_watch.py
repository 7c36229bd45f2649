"""Who hears of builds, and what the pipeline's own figures say: duration, success rate, time to fix."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws import cloudwatch, sns

from components import pipeline_policies
from components.pipeline import METRICS

STATES = ("SUCCEEDED", "FAILED", "FAULT", "TIMED_OUT", "STOPPED")
DAY = 86400  # seconds
SENTENCE = '"<project> build <number>: <status> (<version>). Log: <log>"'


@dataclass(frozen=True, kw_only=True)
class PipelineThresholds:
    duration_minutes: int  # of one build
    success_percent: float  # of a day's builds
    fix_hours: float  # from the first failure to the next success


@dataclass(frozen=True, kw_only=True)
class WatchArgs:
    name: str
    account: str
    region: str
    project: pulumi.Input[str]
    pipeline: pulumi.Input[str] | None  # production's, whose end is told as well
    emails: Sequence[str]  # people, and Slack channels by their e-mail address
    endpoints: Sequence[str]  # https
    thresholds: PipelineThresholds


class PipelineWatch(pulumi.ComponentResource):
    """One topic for builds, approvals and alarms; one dashboard."""

    topic_arn: pulumi.Output[str]

    def __init__(self, name: str, args: WatchArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:pipeline:PipelineWatch", name, None, opts)
        topic = Notifications(name, args.name, args.account, args.emails, args.endpoints, self)
        self.topic_arn = topic.arn
        self._tell(f"{name}-builds", topic.arn, _builds(args.project))
        if args.pipeline is not None:
            self._tell(f"{name}-promotions", topic.arn, _promotions(args.pipeline), plain=True)
        for alarm in _alarms(args):
            cloudwatch.MetricAlarm(
                f"{name}-{alarm.pop('role')}",
                alarm_actions=[topic.arn],
                ok_actions=[topic.arn],
                treat_missing_data="notBreaching",
                opts=pulumi.ResourceOptions(parent=self),
                **alarm,
            )
        cloudwatch.Dashboard(
            f"{name}-dashboard",
            dashboard_name=args.name,
            dashboard_body=pulumi.Output.from_input(args.project).apply(
                lambda project: json.dumps(dashboard(project, args.region))
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"topicArn": self.topic_arn})

    def _tell(self, name: str, topic: pulumi.Output[str], pattern: pulumi.Output[str], plain: bool = False) -> None:
        """What matches is published, a build as one readable sentence."""
        rule = cloudwatch.EventRule(name, event_pattern=pattern, opts=pulumi.ResourceOptions(parent=self))
        transformer = cloudwatch.EventTargetInputTransformerArgs(
            input_paths={
                "project": "$.detail.project-name",
                "number": "$.detail.additional-information.build-number",
                "status": "$.detail.build-status",
                "version": "$.detail.additional-information.source-version",
                "log": "$.detail.additional-information.logs.deep-link",
            },
            input_template=SENTENCE,
        )
        cloudwatch.EventTarget(
            name,
            rule=rule.name,
            target_id="topic",
            arn=topic,
            input_transformer=None if plain else transformer,
            opts=pulumi.ResourceOptions(parent=self),
        )


class Notifications:
    """The topic, who may publish to it, and who listens."""

    def __init__(
        self,
        name: str,
        topic_name: str,
        account: str,
        emails: Sequence[str],
        endpoints: Sequence[str],
        owner: pulumi.ComponentResource,
    ) -> None:
        topic = sns.Topic(f"{name}-topic", name=topic_name, opts=pulumi.ResourceOptions(parent=owner))
        sns.TopicPolicy(
            f"{name}-topic",
            arn=topic.arn,
            policy=topic.arn.apply(lambda arn: json.dumps(pipeline_policies.publisher(arn, account))),
            opts=pulumi.ResourceOptions(parent=owner),
        )
        listeners = [("email", one) for one in emails] + [(one.partition(":")[0], one) for one in endpoints]
        for protocol, endpoint in listeners:
            sns.TopicSubscription(
                f"{name}-{endpoint}",
                topic=topic.arn,
                protocol=protocol,
                endpoint=endpoint,
                opts=pulumi.ResourceOptions(parent=owner),
            )
        self.arn = topic.arn


def _builds(project: pulumi.Input[str]) -> pulumi.Output[str]:
    return pulumi.Output.from_input(project).apply(
        lambda name: json.dumps(
            {
                "source": ["aws.codebuild"],
                "detail-type": ["CodeBuild Build State Change"],
                "detail": {"project-name": [name], "build-status": list(STATES)},
            }
        )
    )


def _promotions(pipeline: pulumi.Input[str]) -> pulumi.Output[str]:
    return pulumi.Output.from_input(pipeline).apply(
        lambda name: json.dumps(
            {
                "source": ["aws.codepipeline"],
                "detail-type": ["CodePipeline Pipeline Execution State Change"],
                "detail": {"pipeline": [name], "state": ["SUCCEEDED", "FAILED", "STOPPED"]},
            }
        )
    )


def _alarms(args: WatchArgs) -> list[dict[str, Any]]:
    """Duration of a build, success rate of a day, time until a red pipeline was green again."""
    limits, dimensions = args.thresholds, {"ProjectName": args.project}
    day: dict[str, Any] = {"period": DAY, "stat": "Sum", "namespace": "AWS/CodeBuild", "dimensions": dimensions}
    rate = [
        cloudwatch.MetricAlarmMetricQueryArgs(
            id=identity,
            metric=cloudwatch.MetricAlarmMetricQueryMetricArgs(metric_name=metric, **day),
        )
        for identity, metric in (("good", "SucceededBuilds"), ("bad", "FailedBuilds"))
    ]
    rate.append(
        cloudwatch.MetricAlarmMetricQueryArgs(
            id="rate", expression="100 * good / (good + bad)", label="Success rate (%)", return_data=True
        )
    )
    return [
        {
            "role": "slow",
            "name": f"{args.name}-duration",
            "alarm_description": f"a build took longer than {limits.duration_minutes} minutes",
            "namespace": "AWS/CodeBuild",
            "metric_name": "Duration",
            "dimensions": dimensions,
            "statistic": "Maximum",
            "period": 300,
            "evaluation_periods": 1,
            "comparison_operator": "GreaterThanThreshold",
            "threshold": limits.duration_minutes * 60,
        },
        {
            "role": "success",
            "name": f"{args.name}-success-rate",
            "alarm_description": f"fewer than {limits.success_percent:g} % of a day's builds succeeded",
            "metric_queries": rate,
            "evaluation_periods": 1,
            "comparison_operator": "LessThanThreshold",
            "threshold": limits.success_percent,
        },
        {
            "role": "fix",
            "name": f"{args.name}-time-to-fix",
            "alarm_description": f"the pipeline was red for more than {limits.fix_hours:g} hours",
            "namespace": METRICS,
            "metric_name": "TimeToFix",
            "dimensions": dimensions,
            "statistic": "Maximum",
            "period": 3600,
            "evaluation_periods": 1,
            "comparison_operator": "GreaterThanThreshold",
            "threshold": limits.fix_hours * 3600,
        },
    ]


def dashboard(project: str, region: str) -> dict[str, Any]:
    """CloudWatch's dashboard document."""
    of_project = ["ProjectName", project]
    graphs: list[tuple[str, str, int, list[list[Any]]]] = [
        ("Builds", "Sum", 3600, [["AWS/CodeBuild", f"{kind}Builds", *of_project] for kind in ("Succeeded", "Failed")]),
        ("Duration (s)", "Maximum", 3600, [["AWS/CodeBuild", "Duration", *of_project]]),
        (
            "Success rate (%)",
            "Sum",
            DAY,
            [
                [{"expression": "100 * good / (good + bad)", "label": "Success rate", "id": "rate"}],
                ["AWS/CodeBuild", "SucceededBuilds", *of_project, {"id": "good", "visible": False}],
                ["AWS/CodeBuild", "FailedBuilds", *of_project, {"id": "bad", "visible": False}],
            ],
        ),
        ("Time to fix (s)", "Maximum", DAY, [[METRICS, "TimeToFix", *of_project]]),
    ]
    return {
        "widgets": [
            {
                "type": "metric",
                "x": 12 * (place % 2),
                "y": 6 * (place // 2),
                "width": 12,
                "height": 6,
                "properties": {
                    "title": title,
                    "metrics": metrics,
                    "stat": stat,
                    "period": period,
                    "region": region,
                    "view": "timeSeries",
                },
            }
            for place, (title, stat, period, metrics) in enumerate(graphs)
        ]
    }
