"""One target group: which hosts the balancer sends requests to, asked once for everybody who wants to know."""

import threading
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from actions.clients import Clients
from actions.clock import Clock
from actions.hosts.host import Host
from actions.permissions import refusal
from actions.rolling.plan import UNUSED

FRESH_SECONDS = 0.5  # hosts of one wave share a look this young, so that calls do not grow with the fleet
TRIES = 3  # on top of the SDK's own retries
BETWEEN_SECONDS = 1.0


class Targets(Protocol):
    """Who gets requests, by instance id; register and deregister may be repeated."""

    def states(self) -> dict[str, str]: ...

    def state(self, host: Host) -> str: ...

    def reason(self, host: Host) -> str: ...

    def register(self, host: Host) -> None: ...

    def deregister(self, host: Host) -> None: ...


class TargetGroup:
    """Its states by instance id; register and deregister may be repeated."""

    def __init__(self, aws: Clients, arn: str, port: int, clock: Clock) -> None:
        self._elb = aws("elbv2")
        self._arn, self._port, self._clock = arn, port, clock
        self._states: dict[str, str] = {}
        self._reasons: dict[str, str] = {}
        self._looked_at: float | None = None
        self._looking = threading.Lock()

    def states(self) -> dict[str, str]:
        """Instance id → state, for every target the group knows, draining ones too."""
        with self._looking:
            now = self._clock.now()
            if self._looked_at is None or now - self._looked_at >= FRESH_SECONDS:
                self._look()
                self._looked_at = now
            return dict(self._states)

    def state(self, host: Host) -> str:
        return self.states().get(host.instance, UNUSED)

    def reason(self, host: Host) -> str:
        """Why the last look found it as it was, in the balancer's own words."""
        return self._reasons.get(host.instance, "Target is not registered to the target group")

    def register(self, host: Host) -> None:
        self._change(self._elb.register_targets, host)

    def deregister(self, host: Host) -> None:
        self._change(self._elb.deregister_targets, host)

    def _look(self) -> None:
        answer = self._elb.describe_target_health(TargetGroupArn=self._arn)
        found = [entry for entry in answer["TargetHealthDescriptions"] if entry["Target"].get("Port") == self._port]
        self._states = {entry["Target"]["Id"]: entry["TargetHealth"]["State"] for entry in found}
        self._reasons = {entry["Target"]["Id"]: _reason(entry["TargetHealth"]) for entry in found}

    def _change(self, call: Any, host: Host) -> None:
        for attempt in range(1, TRIES + 1):
            try:
                call(TargetGroupArn=self._arn, Targets=[{"Id": host.instance, "Port": self._port}])
                break
            except (ClientError, BotoCoreError):
                if attempt == TRIES:
                    raise
                self._clock.wait(BETWEEN_SECONDS)
        self._looked_at = None


def _reason(health: dict[str, Any]) -> str:
    return str(health.get("Description") or health.get("Reason") or health["State"])


def text_of(error: Exception) -> str:
    """An error as one sentence."""
    return refusal(error) if isinstance(error, ClientError) else str(error)
