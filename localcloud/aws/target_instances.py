"""Targets that are EC2 instances: where they are reached, and that they get no request while they do not run."""

import contextlib
import ipaddress
from typing import Any

from ministack.services import ec2

from localcloud.aws.target_health import TargetHealth


def address_of(identifier: str) -> str | None:
    """Where a target is reached: an IP address itself, an EC2 instance by its private address."""
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(identifier))
    instance: dict[str, Any] = ec2._instances.get(identifier) or {}
    return instance.get("PrivateIpAddress")


def asleep(identifier: str) -> TargetHealth | None:
    """The health of a target whose instance does not run; None for all others."""
    if not identifier.startswith("i-"):
        return None
    instance: dict[str, Any] = ec2._instances.get(identifier) or {"State": {"Name": "terminated"}}
    state = instance["State"]["Name"]
    if state not in ("stopped", "terminated"):
        return None
    return TargetHealth("unused", "Target.InvalidState", f"Target is in the {state} state")
