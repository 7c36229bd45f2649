"""The condition key `ecs:cluster`, which MiniStack does not set: with it policies narrow ECS actions to a cluster."""

import json
from collections.abc import Callable
from typing import Any

from localcloud.aws.ecs.engine import Record, scope


def with_cluster(original: Callable[..., Record]) -> Callable[..., Record]:
    """MiniStack's `request_tag_context` with the cluster of an ECS request."""

    def context(service: str, action: str, body: bytes, params: Any) -> Record:
        keys = original(service, action, body, params)
        if service != "ecs":
            return keys
        arn = cluster_arn(body)
        return {**keys, "ecs:cluster": arn} if arn else keys

    return context


def cluster_arn(body: bytes) -> str | None:
    """ARN of the cluster a request names; a request that names none means `default`."""
    try:
        data = json.loads(body or b"{}")
    except ValueError:
        return None
    named = str(data.get("cluster") or "default") if isinstance(data, dict) else "default"
    account, region = scope()
    return named if named.startswith("arn:") else f"arn:aws:ecs:{region}:{account}:cluster/{named}"
