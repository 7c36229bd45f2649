"""The service scheduler: one thread that looks, plans and acts, several times a second while there is work."""

import logging
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from localcloud.aws.ecs import counts, failures, observe, records, targets, watching
from localcloud.aws.ecs.engine import Record, Response, Scope, ecs, every_service, every_task, scope, scoped
from localcloud.aws.ecs.planner import plan
from localcloud.aws.ecs.state import Complete, Health, Phase, Retire, ServiceView, Start, Steady, Step, Stop
from localcloud.aws.ecs.stopping import Stopping

logger = logging.getLogger("localcloud.ecs")

TICK_SECONDS = 0.3
IDLE_SECONDS = 2.0
STOPPED_KEPT_SECONDS = 3600.0  # as AWS: a stopped task can be described for an hour


class Scheduler:
    """Keeps every service of the cloud at what it asks for.

    `lock` guards the records of services; tasks are guarded by MiniStack's lock per task. Nothing that waits runs
    under either: starting and stopping have threads of their own.
    """

    def __init__(self, balancer: targets.Balancer) -> None:
        self.balancer = balancer
        self.lock = threading.RLock()
        self.stopping = Stopping(balancer, self.wake)
        self._wake = threading.Event()
        self._closed = threading.Event()
        self._inspectors = ThreadPoolExecutor(max_workers=4, thread_name_prefix="localcloud-ecs-health")
        self._thread = threading.Thread(target=self._run, name="localcloud-ecs-scheduler", daemon=True)

    def start(self) -> None:
        """Begin to schedule."""
        self._thread.start()

    def close(self) -> None:
        """Stop to schedule; containers stay as they are."""
        self._closed.set()
        self._wake.set()

    def wake(self) -> None:
        """Something changed: look now."""
        self._wake.set()

    def task_failed(self, task: Record) -> None:
        """A task ended by itself or never started: count it, hold the next start back, trip the circuit breaker."""
        with self.lock:
            failures.record(task, time.time())
        self.wake()

    def _run(self) -> None:
        busy = True
        while not self._closed.is_set():
            self._wake.wait(TICK_SECONDS if busy else IDLE_SECONDS)
            self._wake.clear()
            try:
                busy = self.tick()
            except Exception:
                logger.exception("the ECS scheduler failed in one pass and goes on")

    def tick(self) -> bool:
        """One pass over all services; True while there is anything to watch."""
        now = time.time()
        living = [(place, task) for place, task in every_task() if task["lastStatus"] != "STOPPED"]
        watching.refresh_health(self._inspectors, [task for _, task in living], now, self.wake)
        with self.lock:
            for place, key, service in every_service():
                if service.get("status") not in ("ACTIVE", "DRAINING") or not service.get("deployments"):
                    continue
                try:
                    with scoped(place):
                        self._schedule(service, now)
                except Exception:  # one service's trouble is not the others'
                    logger.exception("service %s cannot be scheduled now", key)
        _forget_old_tasks(now)
        return bool(living)

    def _schedule(self, service: Record, now: float) -> None:
        joined: Counter[str] = Counter()
        for task in observe.alive(service):
            if observe.phase_of(task) == Phase.RUNNING and "_running_at" in task:
                joined.update(targets.register(self.balancer, service, task))
        for group, number in joined.items():
            records.announce(service, f"registered {number} targets in (target-group {group})")
        failures.heed_alarms(service)
        view = observe.service_view(service, self.balancer, now)
        _note_healthy(service, view)
        steps = plan(view)
        for step in steps:
            self._apply(service, step)
        self._stop(service, [step for step in steps if isinstance(step, Stop)])
        counts.refresh(service)

    def _apply(self, service: Record, step: Step) -> None:
        match step:
            case Start():
                _launch(service, step)
            case Complete():
                records.complete(service)
            case Retire():
                service.update(status="INACTIVE", deployments=[])
            case Steady():
                if not service.get("_steady"):
                    service["_steady"] = True
                    records.announce(service, "has reached a steady state.")

    def _stop(self, service: Record, steps: list[Stop]) -> None:
        """Begin to stop these tasks, and tell it in one event of each kind."""
        left: Counter[str] = Counter()
        stopped = []
        for step in steps:
            task = ecs._tasks[step.arn]
            number = step.arn.rpartition("/")[2]
            if not self.stopping.begin(task, step.reason, "ServiceSchedulerInitiated", scope()):
                continue
            stopped.append(f"(task {number})")
            left.update(targets.groups(task))
            if step.failed:
                records.announce(service, f"(task {number}) {_trouble(task, step.reason)}")
                failures.record(task, time.time())
        if stopped:
            service["_steady"] = False
            records.announce(service, f"has stopped {len(stopped)} running tasks: {' '.join(stopped)}.")
        for group, count in left.items():
            records.announce(service, f"deregistered {count} targets in (target-group {group})")
        if left:
            records.announce(service, f"has begun draining connections on {len(stopped)} tasks.")


def _trouble(task: Record, reason: str) -> str:
    if "_target_trouble" not in task or "ELB" not in reason:
        return f"failed container health checks: {reason}."
    group, port, description = task["_target_trouble"]
    return f"(port {port}) is unhealthy in (target-group {group}) due to (reason {description})."


def _note_healthy(service: Record, view: ServiceView) -> None:
    """A task that has become healthy ends its deployment's back-off and, unless told otherwise, its failure count."""
    for task in view.tasks:
        record = ecs._tasks[task.arn]
        if task.health == Health.HEALTHY and not record.get("_was_healthy"):
            record["_was_healthy"] = True
            failures.forgive(service, task.deployment)


def _launch(service: Record, step: Start) -> None:
    chosen = records.deployment(service, step.deployment)
    if chosen is None:
        return
    service["_steady"] = False
    request = {
        "cluster": service["clusterArn"],
        "taskDefinition": chosen["taskDefinition"],
        "count": step.count,
        "group": f"service:{service['serviceName']}",
        "startedBy": step.deployment,
        "launchType": service.get("launchType"),
        "capacityProviderStrategy": service.get("capacityProviderStrategy"),
        "platformVersion": service.get("platformVersion") or "",
        "networkConfiguration": service.get("networkConfiguration") or {},
        "enableExecuteCommand": service.get("enableExecuteCommand", False),
        "tags": _propagated_tags(service, chosen["taskDefinition"]),
        "_deploymentId": step.deployment,
    }
    started = _started(ecs._run_task(request))
    if not started:
        records.announce(service, f"was unable to place a task: {chosen['taskDefinition']} cannot be run.")
        failures.hold(service, step.deployment, time.time())
        return
    tasks = " ".join(f"(task {arn.rpartition('/')[2]})" for arn in started)
    records.announce(service, f"has started {len(started)} tasks: {tasks}.")


def _started(response: Response) -> list[str]:
    status, _, body = response
    return [task["taskArn"] for task in ecs.json.loads(body)["tasks"]] if status == 200 else []


def _propagated_tags(service: Record, definition: str) -> list[Record]:
    source = {"SERVICE": service["serviceArn"], "TASK_DEFINITION": definition}.get(service.get("propagateTags") or "")
    return list(ecs._tags.get(source, [])) if source else []


def _forget_old_tasks(now: float) -> None:
    gone: list[tuple[Scope, str]] = [
        (place, task["taskArn"])
        for place, task in every_task()
        if task["lastStatus"] == "STOPPED" and now - task.setdefault("_stopped_at", now) > STOPPED_KEPT_SECONDS
    ]
    for place, arn in gone:
        with scoped(place):
            ecs._tasks.pop(arn, None)
