"""Bring a revision into an ECS service and follow it by its identity: this service deployment, this revision, these
tasks.

"Steady" is never asked: a service is steady after a rollback, too.
"""

import time
from typing import Any

from botocore.exceptions import ClientError

from actions.clients import Clients
from actions.ecs import FINISHED, EcsService, Look
from actions.errors import ReleaseError, TaskFailed
from actions.lifeline import Cancellation
from actions.logs import log_tail
from actions.plan_ecs import Rest, ailments, by_health, failure_of, progress_line, short
from actions.progress import Progress
from actions.request import EcsRequest

POLL_SECONDS = 1.0
APPEARS_WITHIN_SECONDS = 30.0  # a service deployment may be listed a little after UpdateService returned


class Deploying:
    """The moving of one service."""

    def __init__(self, aws: Clients, asked: EcsRequest, cancellation: Cancellation, progress: Progress) -> None:
        self._aws, self._asked = aws, asked
        self._service = EcsService(aws, asked)
        self._cancellation, self._progress = cancellation, progress
        self._past: frozenset[str] | None = None  # tasks that had stopped before this run began to look
        self._ailments: dict[str, str] = {}  # task → what its target's checks last found wrong

    def start(self, revision: str, count: int) -> str:
        """The ARN of the service deployment that this call, and no other, began."""
        self._past = frozenset()
        known = self._service.service_deployments()
        self._service.move(revision, count)
        self._progress.say(f"deploying {short(revision)} on {count} task{'s' if count != 1 else ''}")
        deadline = time.monotonic() + APPEARS_WITHIN_SECONDS
        while True:
            for arn in self._service.service_deployments():
                if arn not in known and self._service.target_definition(arn) == revision:
                    return arn
            if time.monotonic() > deadline:
                raise ReleaseError(f"ECS lists no deployment of {short(revision)} after UpdateService")
            self._cancellation.wait(POLL_SECONDS)

    def follow(self, revision: str, arn: str | None, deadline: float) -> None:
        """Waits until this deployment succeeded. Raises at the first sign that it will not."""
        arn = arn or self._running_deployment(revision)
        said = ""
        while True:
            look = self._service.look(arn)
            line = progress_line(look, revision)
            if line != said:
                self._progress.say(line)
                said = line
            self._raise_failure(look, revision)
            if look.deployment_status == "SUCCESSFUL":
                return
            if look.deployment_status in FINISHED:
                raise ReleaseError(f"the deployment ended {look.deployment_status}: {look.deployment_reason}")
            if look.service.primary.task_definition != revision:
                found = short(look.service.primary.task_definition)
                raise ReleaseError(
                    f"expected {short(revision)} to be deployed, found {found}: somebody changed the service"
                )
            if time.monotonic() > deadline:
                raise ReleaseError(f"not in service after {self._asked.timeout_seconds} s: {line}")
            self._cancellation.wait(POLL_SECONDS)

    def wait_for_count(self, revision: str, deadline: float) -> None:
        """For a revision that is in service already: until every wanted task of it is healthy."""
        while True:
            look = self._service.look()
            self._raise_failure(look, revision)
            if look.service.settled and look.healthy(revision) >= look.service.desired:
                return
            if time.monotonic() > deadline:
                raise ReleaseError(f"not all tasks became healthy: {progress_line(look, revision)}")
            self._cancellation.wait(POLL_SECONDS)

    def back(self, revision: str, rest: Rest, deadline: float) -> None:
        """Returns the service to rest: by ECS's own rollback while the deployment runs, else by a new one."""
        state = self._service.state()
        if state.primary.task_definition != rest.revision and not self._rolled_back(revision, rest):
            self._progress.say(f"deploying {short(rest.revision)} again")
            self._service.move(rest.revision, rest.count)
        elif state.desired != rest.count:
            self._service.scale(rest.count)
        self._wait_for_rest(rest, deadline)

    def _rolled_back(self, revision: str, rest: Rest) -> bool:
        """Whether ECS takes its running deployment back itself; False when that ended or leads elsewhere."""
        arn = self._own_rollback(revision, rest)
        if not arn:
            return False
        try:
            self._service.roll_back(arn)
        except ClientError:
            return False
        self._progress.say(f"rolling back to {short(rest.revision)}; its tasks are still there")
        return True

    def _own_rollback(self, revision: str, rest: Rest) -> str:
        """The running service deployment whose rollback leads to rest, or '' when there is none."""
        if not rest.count:
            return ""
        try:
            arn = self._running_deployment(revision)
            return arn if self._service.source_definitions(arn) == (rest.revision,) else ""
        except (ReleaseError, ClientError):
            return ""

    def _wait_for_rest(self, rest: Rest, deadline: float) -> None:
        said = ""
        while True:
            look = self._service.look()
            line = progress_line(look, rest.revision)
            if line != said:
                self._progress.say(f"going back: {line}")
                said = line
            others = [task for task in look.tasks if task.definition != rest.revision and not task.stopped]
            arrived = look.service.primary.task_definition == rest.revision and not others
            if arrived and look.healthy(rest.revision) >= rest.count:
                return
            if time.monotonic() > deadline:
                raise ReleaseError(f"{short(rest.revision)} did not come back: {line}")
            self._cancellation.wait(POLL_SECONDS)

    def _running_deployment(self, revision: str) -> str:
        for arn in self._service.service_deployments():
            status, _ = self._service.deployment_status(arn)
            if status not in FINISHED and self._service.target_definition(arn) == revision:
                return arn
        raise ReleaseError(f"no deployment of {short(revision)} is under way")

    def _raise_failure(self, look: Look, revision: str) -> None:
        if self._past is None:
            self._past = frozenset(task.arn for task in look.tasks if task.stopped)
        mine = look.service.primary if look.service.primary.task_definition == revision else None
        self._ailments.update(ailments(look))
        failed = failure_of(look, mine.id, self._asked.grace_seconds, self._past) if mine else None
        if failed:
            task, reason = failed
            if task.stopped and by_health(task) and task.arn in self._ailments:
                reason = f"{reason}: {self._ailments[task.arn]}"
            tail = log_tail(self._aws, self._container(revision), task.id, self._cancellation)
            raise TaskFailed(f"task {task.id[:8]}: {reason}", task.arn, tail)
        if mine and mine.rollout == "FAILED":
            raise ReleaseError(f"ECS gave the deployment up: {mine.reason}")

    def _container(self, revision: str) -> dict[str, Any]:
        containers = self._service.definition(revision)["containerDefinitions"]
        return next(entry for entry in containers if entry["name"] == self._asked.container)
