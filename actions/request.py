"""What a release is asked to do, read from the command's environment: readable variables, because a preview shows
them.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from actions.errors import ReleaseError


@dataclass(frozen=True, kw_only=True)
class EcsRequest:
    """One ECS service and the image it shall run."""

    image: str  # <repository uri>:<tag>
    cluster: str
    service: str
    container: str  # the one whose image changes; its exit is a failure
    template: str  # task definition ARN: everything but the image
    family: str  # of the released revisions
    desired_count: int
    scales: bool  # the service sets its own count: never set it lower
    target_group: str  # ARN
    url: str  # health URL through the balancer
    alarms: tuple[str, ...]
    table: str
    region: str
    passes: int  # consecutive good answers of the verification
    timeout_seconds: int  # for deployment and verification together
    grace_seconds: int  # before an unhealthy target counts

    @property
    def tag(self) -> str:
        return self.image.rsplit(":", 1)[1]

    @property
    def repository(self) -> str:
        """The repository's name within its registry."""
        return self.image.rsplit(":", 1)[0].split("/", 1)[1]

    def pinned(self, digest: str) -> str:
        return f"{self.image.rsplit(':', 1)[0]}@{digest}"


def from_environment(environment: Mapping[str, str] = os.environ) -> EcsRequest:
    """Raises `ReleaseError` naming the variable that is missing."""

    def text(name: str) -> str:
        if not environment.get(name):
            raise ReleaseError(f"{name} is not set: this action is run by `pulumi up`, which sets it")
        return environment[name]

    return EcsRequest(
        image=text("IMAGE"),
        cluster=text("CLUSTER"),
        service=text("SERVICE"),
        container=text("CONTAINER"),
        template=text("TEMPLATE"),
        family=text("FAMILY"),
        desired_count=int(text("DESIRED_COUNT")),
        scales=text("SCALES") == "true",
        target_group=text("TARGET_GROUP"),
        url=text("URL"),
        alarms=tuple(name for name in environment.get("ALARMS", "").split(",") if name),
        table=text("RELEASES_TABLE"),
        region=text("REGION"),
        passes=int(text("PASSES")),
        timeout_seconds=int(text("TIMEOUT_SECONDS")),
        grace_seconds=int(text("GRACE_SECONDS")),
    )
