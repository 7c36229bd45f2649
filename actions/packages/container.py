"""A container on ECS: the release of `actions.release_ecs`, with its own lock, verification and way back."""

from typing import Any

from actions import request
from actions.clients import Clients
from actions.errors import ReleaseError
from actions.lifeline import Cancellation
from actions.packages.release import Package
from actions.progress import Progress
from actions.records import Records
from actions.release_ecs import EcsRelease


class Container:
    """The target of one container package; `environment` is what the ECS release reads, all but the image."""

    def __init__(
        self,
        package: Package,
        environment: dict[str, str],
        aws: Clients,
        cancellation: Cancellation,
        progress: Progress,
    ) -> None:
        self.name = package.name
        self._package, self._environment = package, environment
        self._records = Records(aws, environment["RELEASES_TABLE"])
        self._cancellation, self._progress = cancellation, progress
        self._before = ""

    def prepare(self) -> None:
        verified = self._records.verified()
        self._before = verified["image"] if verified else ""

    def deploy(self) -> dict[str, Any]:
        proof = self._release(self._package.image)
        if proof["digest"] != self._package.digest:
            self.back()
            raise ReleaseError(
                f"{self.name}: expected {self._package.image} to be {self._package.digest}, found {proof['digest']}"
            )
        return {key: proof[key] for key in ("image", "digest", "task_definition", "number")}

    def back(self) -> str:
        if not self._before:
            return "what it is: it had no verified release before"
        if self._before != self._package.image:
            self._release(self._before)
        return self._before

    def settle(self) -> None:
        """Its own record says already what is verified."""

    def _release(self, image: str) -> dict[str, Any]:
        asked = request.from_environment({**self._environment, "IMAGE": image})
        return EcsRelease(asked, self._cancellation, self._progress).run()
