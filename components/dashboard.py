"""The page that shows how a system is: traffic, errors, latency, targets, load, tasks, log. Pure."""

from typing import Any

from components.naming import Names

WIDTH, HEIGHT = 12, 6  # two widgets in a row of CloudWatch's 24 columns


def dashboard_body(names: Names, region: str, balancer: str, target_group: str) -> dict[str, Any]:
    """CloudWatch's dashboard document; `balancer` and `target_group` are the dimensions' values."""
    of_balancer = ["LoadBalancer", balancer]
    of_targets = ["TargetGroup", target_group, "LoadBalancer", balancer]
    of_service = ["ClusterName", names.cluster, "ServiceName", names.service]
    elb, tasks, insights = "AWS/ApplicationELB", "AWS/ECS", "ECS/ContainerInsights"
    graphs: list[tuple[str, str, list[list[Any]]]] = [
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
        ("Load (%)", "Average", [[tasks, f"{part}Utilization", *of_service] for part in ("CPU", "Memory")]),
        ("Tasks", "Average", [[insights, f"{part}TaskCount", *of_service] for part in ("Running", "Desired")]),
    ]
    shared = {"period": 60, "region": region, "view": "timeSeries"}
    widgets = [
        _widget(place, "metric", {"title": title, "metrics": metrics, "stat": stat, **shared})
        for place, (title, stat, metrics) in enumerate(graphs)
    ]
    query = f"SOURCE '{names.log_group}' | fields @timestamp, @logStream, @message | sort @timestamp desc | limit 100"
    log = _widget(len(graphs), "log", {"title": "Log", "query": query, "region": region, "view": "table"})
    return {"widgets": [*widgets, log | {"width": 2 * WIDTH}]}


def _widget(place: int, kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    x, y = WIDTH * (place % 2), HEIGHT * (place // 2)
    return {"type": kind, "x": x, "y": y, "width": WIDTH, "height": HEIGHT, "properties": properties}
