"""What a build tells the rest of the cloud: its log, its metrics, its change of state."""

import json
import time
from collections.abc import Callable
from typing import Any

from ministack.services import cloudwatch, cloudwatch_logs, eventbridge

Record = dict[str, Any]


def log_of(build: Record) -> Callable[[str], None]:
    """A function that appends a line to the build's log stream; group and stream are made when missing."""
    now = int(time.time() * 1000)
    group = cloudwatch_logs._log_groups.get(build["logs"]["groupName"])
    if group is None:
        group = {
            "arn": cloudwatch_logs._make_group_arn(build["logs"]["groupName"]),
            "creationTime": now,
            "retentionInDays": None,
            "tags": {},
            "subscriptionFilters": {},
            "streams": {},
        }
        cloudwatch_logs._log_groups[build["logs"]["groupName"]] = group
    stream = group["streams"].setdefault(
        build["logs"]["streamName"],
        {
            "events": [],
            "uploadSequenceToken": "1",
            "creationTime": now,
            "firstEventTimestamp": None,
            "lastEventTimestamp": None,
            "lastIngestionTime": None,
        },
    )

    def emit(line: str) -> None:
        at = int(time.time() * 1000)
        cloudwatch_logs._append_log_events(stream, [{"timestamp": at, "message": line, "ingestionTime": at}])

    return emit


def measure(build: Record) -> None:
    """CodeBuild's metrics of a finished build, for its project and for all."""
    good = build["buildStatus"] == "SUCCEEDED"
    values = [("Builds", 1.0, "Count"), ("Duration", float(build["endTime"] - build["startTime"]), "Seconds")]
    if build["buildStatus"] in ("SUCCEEDED", "FAILED", "TIMED_OUT", "FAULT"):
        values.append(("SucceededBuilds" if good else "FailedBuilds", 1.0, "Count"))
    for dimensions in ({"ProjectName": build["projectName"]}, {}):
        for name, value, unit in values:
            cloudwatch.record_metric("AWS/CodeBuild", name, value, unit, dimensions)


def announce(build: Record) -> None:
    """`CodeBuild Build State Change` on the default event bus."""
    detail = {
        "build-status": build["buildStatus"],
        "project-name": build["projectName"],
        "build-id": build["arn"],
        "current-phase": build["currentPhase"],
        "additional-information": {
            "build-complete": build["buildComplete"],
            "build-number": float(build["buildNumber"]),
            "initiator": build["initiator"],
            "source-version": build["sourceVersion"],
            "logs": {"deep-link": build["logs"].get("deepLink", ""), **build["logs"]},
            "phases": build["phases"],
        },
    }
    event = {
        "Source": "aws.codebuild",
        "DetailType": "CodeBuild Build State Change",
        "Resources": [build["arn"]],
        "Detail": json.dumps(detail, default=str),
    }
    eventbridge._put_events({"Entries": [event]}, allow_aws_source=True)
