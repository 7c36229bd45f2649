"""The page that shows how a system is: traffic, errors, latency, targets, load, log. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from components.alarms import HOST_METRICS
from components.naming import Names

WIDTH, HEIGHT = 12, 6  # two widgets in a row of CloudWatch's 24 columns

Graph = tuple[str, str, list[list[Any]]]  # title, statistic, metrics


def service_dashboard(names: Names, region: str, balancer: str, target_group: str) -> dict[str, Any]:
    """Of an ECS service; `balancer` and `target_group` are the dimensions' values."""
    of_service = ["ClusterName", names.cluster, "ServiceName", names.service]
    tasks, insights = "AWS/ECS", "ECS/ContainerInsights"
    graphs: list[Graph] = [
        *_traffic(balancer, target_group),
        ("Load (%)", "Average", [[tasks, f"{part}Utilization", *of_service] for part in ("CPU", "Memory")]),
        ("Tasks", "Average", [[insights, f"{part}TaskCount", *of_service] for part in ("Running", "Desired")]),
    ]
    query = f"SOURCE '{names.log_group}' | fields @timestamp, @logStream, @message | sort @timestamp desc | limit 100"
    log = _widget(len(graphs), "log", {"title": "Log", "query": query, "region": region, "view": "table"})
    return {"widgets": [*_metrics(graphs, region), log | {"width": 2 * WIDTH}]}


def fleet_dashboard(region: str, targets: tuple[str, str] | None, hosts: Mapping[str, str]) -> dict[str, Any]:
    """Of hosts; `hosts` are instance ids by name, `targets` the dimensions of balancer and target group, if any."""
    load = [["AWS/EC2", "CPUUtilization", "InstanceId", host, {"label": name}] for name, host in hosts.items()]
    disk = [[HOST_METRICS, "DiskUsedPercent", "InstanceId", host, {"label": name}] for name, host in hosts.items()]
    graphs: list[Graph] = [
        *(_traffic(*targets) if targets else ()),
        ("CPU (%)", "Average", load),
        ("Disk (%)", "Maximum", disk),
    ]
    return {"widgets": _metrics(graphs, region)}


def _traffic(balancer: str, target_group: str) -> list[Graph]:
    of_balancer = ["LoadBalancer", balancer]
    of_targets = ["TargetGroup", target_group, "LoadBalancer", balancer]
    elb = "AWS/ApplicationELB"
    return [
        ("Requests", "Sum", [[elb, "RequestCount", *of_balancer]]),
        (
            "Answers 5xx",
            "Sum",
            [[elb, "HTTPCode_Target_5XX_Count", *of_targets], [elb, "HTTPCode_ELB_5XX_Count", *of_balancer]],
        ),
        (
            "Latency (s)",
            "p95",
            [[elb, "TargetResponseTime", *of_targets], [elb, "TargetResponseTime", *of_targets, {"stat": "p50"}]],
        ),
        ("Targets", "Maximum", [[elb, "HealthyHostCount", *of_targets], [elb, "UnHealthyHostCount", *of_targets]]),
    ]


def _metrics(graphs: Sequence[Graph], region: str) -> list[dict[str, Any]]:
    shared = {"period": 60, "region": region, "view": "timeSeries"}
    return [
        _widget(place, "metric", {"title": title, "metrics": metrics, "stat": stat, **shared})
        for place, (title, stat, metrics) in enumerate(graphs)
    ]


def _widget(place: int, kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    x, y = WIDTH * (place % 2), HEIGHT * (place // 2)
    return {"type": kind, "x": x, "y": y, "width": WIDTH, "height": HEIGHT, "properties": properties}
