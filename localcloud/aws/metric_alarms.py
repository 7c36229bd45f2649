"""CloudWatch alarms on metric math, which MiniStack forgets: their queries are kept and told."""

from collections.abc import Callable
from typing import Any

from ministack.services import cloudwatch

# What an alarm on one metric has and an alarm on queries has not.
OF_ONE_METRIC = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Unit")


def keeping_queries(original: Callable[..., Any]) -> Callable[..., Any]:
    """PutMetricAlarm that remembers `Metrics`."""

    def put(params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        answer = original(params, data, is_cbor, is_json)
        alarm = cloudwatch._alarms.get((data or {}).get("AlarmName", ""))
        if alarm is not None and data.get("Metrics"):
            alarm["Metrics"] = data["Metrics"]
            for name in OF_ONE_METRIC:
                alarm.pop(name, None)
        return answer

    return put


def install() -> None:
    """Put it in place."""
    cloudwatch._put_metric_alarm = keeping_queries(cloudwatch._put_metric_alarm)
