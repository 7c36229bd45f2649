"""How a task ends: out of the target groups, drained, SIGTERM, SIGKILL, STOPPED; each task on a thread of its own."""

import logging
import threading
import time
from collections.abc import Callable

from localcloud.aws.ecs import targets, watching
from localcloud.aws.ecs.engine import Record, Scope, ecs, metadata, scoped, task_lock
from localcloud.polling import until

logger = logging.getLogger("localcloud.ecs")

POLL_SECONDS = 0.2
DRAIN_CEILING_SECONDS = 3660.0  # the longest deregistration delay there is, and a minute
WORKER_SECONDS = 60.0  # a start under way notices that it is no longer wanted


class Stopping:
    """Ends tasks; `ended` is called after each."""

    def __init__(self, balancer: targets.Balancer, ended: Callable[[], None]) -> None:
        self._balancer = balancer
        self._ended = ended

    def begin(self, task: Record, reason: str, code: str, place: Scope, *, dead: bool = False) -> bool:
        """Mark the task as stopping and let the rest happen by itself; False when it already is.

        A `dead` task has lost its essential container: nothing is in flight any more, so draining is not waited for.
        """
        with task_lock(task):
            if task["desiredStatus"] == "STOPPED":
                return False
            ecs._bump_task_version(task)
            task.update(desiredStatus="STOPPED", stoppedReason=reason, stopCode=code, stoppingAt=time.time())
            if task["lastStatus"] == "RUNNING":
                task["lastStatus"] = "DEACTIVATING"
        threading.Thread(
            target=self._retire, args=(task, place, dead), daemon=True,
            name=f"localcloud-ecs-stop-{task['taskArn'][-8:]}",
        ).start()  # fmt: skip
        return True

    def _retire(self, task: Record, place: Scope, dead: bool) -> None:
        with scoped(place):
            try:
                targets.deregister(self._balancer, task)
                if not dead:
                    self._drained(task)
                _enter(task, "STOPPING")
                watching.stop_containers(task)
                until(lambda: bool(task.get("_worker_done", True)), WORKER_SECONDS, POLL_SECONDS)
                _enter(task, "DEPROVISIONING")
                watching.remove_containers(task)
            except Exception:
                logger.exception("task %s did not stop cleanly", task["taskArn"])
            finally:
                finish(task)
                self._ended()

    def _drained(self, task: Record) -> None:
        if not until(lambda: not targets.draining(self._balancer, task), DRAIN_CEILING_SECONDS, POLL_SECONDS):
            logger.warning("task %s: still draining after the longest delay there is", task["taskArn"])


def finish(task: Record) -> None:
    """The task is STOPPED; its reason and exit codes stay readable."""
    now = time.time()
    with task_lock(task):
        ecs._bump_task_version(task)
        task.update(lastStatus="STOPPED", desiredStatus="STOPPED", stoppedAt=now, _stopped_at=now)
        task["executionStoppedAt"] = task.get("executionStoppedAt") or now
        for container in task.get("containers", []):
            container["lastStatus"] = "STOPPED"
        tokens, task["_metadata_tokens"] = list(task.get("_metadata_tokens") or []), []
    for token in tokens:
        metadata.unregister_token(token)


def _enter(task: Record, status: str) -> None:
    with task_lock(task):
        task["lastStatus"] = status
    metadata.set_task_status(task["taskArn"], known_status=status, desired_status="STOPPED")
