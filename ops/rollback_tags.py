"""Where a rollback leads on a stack whose release is several tags: component → tag, for each that changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ops.errors import OpsError


@dataclass(frozen=True, kw_only=True)
class TagsRollback:
    """Where to, and why there."""

    tags: dict[str, str]
    because: str


def plan_tags_rollback(
    *, configured: Mapping[str, str], release: dict[str, Any], tag: str | None, last_was_rollback: bool
) -> TagsRollback:
    """The tags to return to.

    A named tag wins, for its own component; then the last verified tags when others were asked for, as after a failure;
    then those before them.
    """
    verified: dict[str, str] = release["tags"]
    if tag is not None:
        component = next((name for name in sorted(verified) if tag.startswith(f"{name}-")), None)
        if component is None:
            raise OpsError(f"{tag!r} begins with none of the components {', '.join(sorted(verified))}")
        return TagsRollback(tags={component: tag}, because="asked for by name")
    asked = {**verified, **configured}
    if asked != verified:
        others = ", ".join(value for name, value in sorted(asked.items()) if verified.get(name) != value)
        return TagsRollback(tags=verified, because=f"the last verified tags; {others} was asked for")
    before = (release.get("previous") or {}).get("tags")
    if not before:
        raise OpsError("these are the only verified tags of this stack; name another with --tag")
    if last_was_rollback:
        raise OpsError("these tags are what the last rollback went to; to go further, name a tag with --tag")
    changed = {name: value for name, value in before.items() if verified.get(name) != value}
    return TagsRollback(tags=changed, because="the verified tags before the present ones")
