"""What a rolling release observed: its proof, its report, and what the next release must know of it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from actions.hosts.host import Observed
from actions.rolling.course import Seen
from actions.rolling.plan import Plan, Wanted
from actions.rolling.request import RollingRequest


def proof_of(
    asked: RollingRequest,
    wanted: Wanted,
    plan: Plan,
    running: Mapping[str, Observed],
    seen: Mapping[str, Seen],
    before: dict[str, Any] | None,
) -> dict[str, Any]:
    """Small enough for a stack output; `before`: the proof of the last verified release."""
    return {
        "image": asked.image,
        "image_tag": asked.tag,
        "digest": wanted.digest,
        "content": wanted.content,
        "hosts": [
            {"name": host.name, "instance": host.instance, "digest": running[host.name].digest}
            | _course(seen.get(host.name))
            for host in asked.hosts
        ],
        "waves": [[step.host.name for step in wave] for wave in plan.waves],
        "verified_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "previous": previous_of(before, wanted),
    }


def previous_of(verified: dict[str, Any] | None, wanted: Wanted) -> dict[str, Any] | None:
    """What a rollback returns to: the release verified before this one (its own predecessor when repeated)."""
    if verified is None or verified["digest"] == wanted.digest:
        return verified and verified.get("previous")
    return {key: verified[key] for key in ("image", "image_tag", "digest", "content")}


def ledger_entry(proof: Mapping[str, Any]) -> dict[str, Any]:
    """What every host's ledger says of the release it runs."""
    return {key: proof[key] for key in ("image", "image_tag", "digest", "content", "number", "verified_at")}


def verified_of(proof: Mapping[str, Any] | None) -> Wanted | None:
    return Wanted(digest=proof["digest"], content=proof["content"]) if proof else None


def is_return(asked: RollingRequest, verified: Mapping[str, Any] | None) -> bool:
    """Whether this goes back to one of the last two verified releases."""
    releases = (verified, verified.get("previous")) if verified else ()
    return asked.image in [release["image"] for release in releases if release]


def failure_lines(reason: str, log_tail: Sequence[str], health_log: Sequence[str]) -> list[str]:
    """What a failed host said, for the reader of `pulumi up`."""
    return [reason, *(f"health | {line}" for line in health_log), *(f"log | {line}" for line in log_tail)]


def _course(seen: Seen | None) -> dict[str, Any]:
    if seen is None:
        return {"out_of_service_seconds": 0.0, "drained_by": "not moved", "steps": {}}
    return {
        "out_of_service_seconds": seen.out_of_service_seconds,
        "drained_by": seen.drained_by,
        "steps": seen.steps,
    }
