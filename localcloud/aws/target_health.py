"""What a target's checks mean in AWS's words. Pure: HAProxy's observation in, state out."""

from dataclasses import dataclass

from localcloud.aws.haproxy import Server
from localcloud.aws.model import HealthCheck


@dataclass(frozen=True)
class TargetHealth:
    """A target's state as DescribeTargetHealth shows it."""

    state: str  # initial, healthy, unhealthy, draining, unused
    reason: str = ""
    description: str = ""


REGISTERING = TargetHealth("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
CHECKING = TargetHealth("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
HEALTHY = TargetHealth("healthy")
DRAINING = TargetHealth("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
NOT_REGISTERED = TargetHealth("unused", "Target.NotRegistered", "Target is not registered to the target group")
NOT_IN_USE = TargetHealth(
    "unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"
)


@dataclass(kw_only=True)
class History:
    """What has been seen of a target's checks since it was registered."""

    decided: bool = False  # it was healthy once, or failed its first checks
    failing_since: float | None = None


def judge(server: Server, history: History, check: HealthCheck, now: float) -> TargetHealth:
    """The state of a registered target; `history` is brought up to date.

    HAProxy counts the failures that take a healthy target out. While a target has never been healthy it only says that
    the last check failed, so the threshold is reckoned in time: `unhealthy` checks span `unhealthy - 1` intervals.
    """
    if server.status.startswith("UP"):
        history.decided, history.failing_since = True, None
        return HEALTHY
    if history.decided:
        return failure(server)
    if server.check_status in ("", "INI"):
        return REGISTERING
    if server.check_status in ("L7OK", "L7OKC", "L4OK", "L6OK"):
        history.failing_since = None
        return CHECKING
    if history.failing_since is None:
        history.failing_since = now
    if now - history.failing_since >= (check.unhealthy - 1) * check.interval:
        history.decided = True
        return failure(server)
    return CHECKING


def failure(server: Server) -> TargetHealth:
    """Unhealthy, with the reason the last check gives."""
    if server.check_status == "L7STS":
        return TargetHealth(
            "unhealthy", "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{server.check_code}]"
        )
    if server.check_status in ("L4TOUT", "L6TOUT", "L7TOUT"):
        return TargetHealth("unhealthy", "Target.Timeout", "Request timed out")
    return TargetHealth("unhealthy", "Target.FailedHealthChecks", "Health checks failed")
