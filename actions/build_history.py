"""What a project's builds tell about its pipeline."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

BAD = ("FAILED", "FAULT", "TIMED_OUT")
LOOKED_AT = 100  # as many as BatchGetBuilds takes


def red_since(builds: Iterable[Mapping[str, Any]]) -> float | None:
    """When the first of the failures right before now ended (epoch seconds); `builds` newest first, ended ones only.

    A stopped build says nothing: neither that it is broken nor that it works.
    """
    since: float | None = None
    for build in builds:
        if build["buildStatus"] == "SUCCEEDED":
            break
        if build["buildStatus"] in BAD:
            since = _seconds(build["endTime"])
    return since


def time_to_fix(codebuild: Any, build: str) -> float | None:
    """Seconds from the first failure to now; None when the builds before this one did not fail."""
    project = build.partition(":")[0]
    ids = codebuild.list_builds_for_project(projectName=project, sortOrder="DESCENDING")["ids"][:LOOKED_AT]
    if build not in ids:
        return None  # production's deploy, or one by hand
    earlier = ids[ids.index(build) + 1 :]
    if not earlier:
        return None
    found = {one["id"]: one for one in codebuild.batch_get_builds(ids=earlier)["builds"] if one.get("endTime")}
    since = red_since(found[one] for one in earlier if one in found)
    return None if since is None else time.time() - since


def _seconds(value: Any) -> float:
    return float(value.timestamp() if hasattr(value, "timestamp") else value)
