"""Containers of running tasks: how they end, what their health checks say, and taking them away."""

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any

from localcloud.aws.ecs.engine import Record, Scope, ecs, scoped, task_lock

HEALTH_SECONDS = 1.0
DEFAULT_STOP_SECONDS = 30  # as Fargate
LOG_TAIL_SECONDS = 3.0
SIGKILLED = 137
OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
EXITED = "Essential container in task exited"

_log_threads: dict[str, threading.Thread] = {}
Exited = Callable[[Record, Scope], None]


def follow_logs(container: Any, definition: Record, task_id: str) -> None:
    """Forward the container's output to its log group, and remember the thread, so that removal waits for the tail."""
    config = ecs._awslogs_config(definition, task_id, container.id)
    if not config:
        return
    account, region = ecs.get_account_id(), config["region"] or ecs.get_region()
    thread = threading.Thread(
        target=ecs._forward_awslogs, args=(container, config, account, region), daemon=True,
        name=f"localcloud-ecs-logs-{task_id[:8]}",
    )  # fmt: skip
    _log_threads[container.id] = thread
    thread.start()


def watch(task: Record, place: Scope, on_exit: Exited) -> None:
    """Wait for each container of a running task; `on_exit` is called when the task has lost an essential one."""
    for index, identifier in enumerate(list(task.get("_docker_ids") or [])):
        threading.Thread(
            target=_await_exit, args=(task, index, identifier, place, on_exit), daemon=True,
            name=f"localcloud-ecs-watch-{identifier[:8]}",
        ).start()  # fmt: skip


def refresh_health(pool: Executor, tasks: Sequence[Record], now: float, changed: Callable[[], None]) -> None:
    """Have the container health checks read that are due, side by side and without waiting for a slow engine."""
    for task in tasks:
        if _health_due(task, now):
            task["_health_read"], task["_health_reading"] = now, True
            pool.submit(_read_health, task, changed)


def stop_containers(task: Record) -> None:
    """SIGTERM to every container, SIGKILL to what is left after its stop timeout, then note how each ended."""
    threads = [
        threading.Thread(target=_stop_one, args=(task, index, identifier), daemon=True)
        for index, identifier in enumerate(list(task.get("_docker_ids") or []))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def remove_containers(task: Record) -> None:
    """Remove the containers, after their last output has reached the log group."""
    client = ecs._get_docker()
    for identifier in list(task.get("_docker_ids") or []):
        thread = _log_threads.pop(identifier, None)
        if thread is not None:
            thread.join(LOG_TAIL_SECONDS)
        with contextlib.suppress(Exception):  # already gone is as good
            client.containers.get(identifier).remove(v=True, force=True)
    with task_lock(task):
        task["_docker_ids"] = []


def _await_exit(task: Record, index: int, identifier: str, place: Scope, on_exit: Exited) -> None:
    client = ecs._get_docker()
    pause = threading.Event()
    while True:
        try:
            client.api.wait(identifier, timeout=None)
            break
        except Exception as error:
            if getattr(getattr(error, "response", None), "status_code", None) == 404:
                break  # removed by somebody else: as dead as can be
            pause.wait(1.0)  # the engine restarts or is overloaded: no evidence that the process ended
    last_words = _log_threads.get(identifier)
    if last_words is not None:
        last_words.join(LOG_TAIL_SECONDS)  # who reads the reason also wants to read the log
    with scoped(place):
        note_exit(task, index, identifier)
        essentials = task.get("_container_essentials") or []
        alone = all(container.get("lastStatus") == "STOPPED" for container in task["containers"])
        if alone or index >= len(essentials) or essentials[index]:
            on_exit(task, place)


def note_exit(task: Record, index: int, identifier: str) -> None:
    """Record a container's exit code, and why the kernel killed it."""
    state: Record = {}
    with contextlib.suppress(Exception):
        state = ecs._get_docker().api.inspect_container(identifier)["State"]
    if state.get("Running"):
        return
    # A SIGKILL that nobody asked for; under load the engine learns of the kernel's reason after the exit.
    unasked = state.get("ExitCode") == SIGKILLED and task["desiredStatus"] != "STOPPED"
    out_of_memory = state.get("OOMKilled") or (unasked and _told_of_memory(identifier))
    with task_lock(task):
        container = task["containers"][index]
        container["lastStatus"] = "STOPPED"
        if "ExitCode" in state:
            container["exitCode"] = state["ExitCode"]
        if out_of_memory:
            container.update(exitCode=137, reason=OUT_OF_MEMORY)
        elif state.get("Error"):
            container["reason"] = state["Error"]


def _told_of_memory(identifier: str) -> bool:
    """Whether the engine reports an `oom` event of the container, now or within two seconds."""
    now = int(time.time())
    filters = {"container": identifier, "event": "oom"}
    with contextlib.suppress(Exception):
        stream = ecs._get_docker().api.events(since=now - 3600, until=now + 2, filters=filters, decode=True)
        with contextlib.closing(stream):
            return any(True for _ in stream)
    return False


def _stop_one(task: Record, index: int, identifier: str) -> None:
    timeouts = task.get("_stop_timeouts") or []
    seconds = timeouts[index] if index < len(timeouts) else DEFAULT_STOP_SECONDS
    with contextlib.suppress(Exception):  # already gone is as good
        ecs._get_docker().containers.get(identifier).stop(timeout=int(seconds))
    note_exit(task, index, identifier)


def _health_due(task: Record, now: float) -> bool:
    if (
        not task.get("_health_checked")
        or task.get("_health_reading")
        or task["lastStatus"] != "RUNNING"
        or task["desiredStatus"] == "STOPPED"
    ):
        return False
    return bool(now - task.get("_health_read", 0.0) >= HEALTH_SECONDS)


def _read_health(task: Record, changed: Callable[[], None]) -> None:
    try:
        before = task["healthStatus"]
        task["healthStatus"] = _health_of(task)
        if task["healthStatus"] != before:
            changed()
    finally:
        task["_health_reading"] = False


def _health_of(task: Record) -> str:
    """A task is as healthy as its essential containers that define a check: the worst one counts."""
    checked, found = task["_health_checked"], []
    for index, identifier in enumerate(list(task.get("_docker_ids") or [])):
        if index >= len(checked) or not checked[index]:
            continue
        try:
            status = ecs._get_docker().api.inspect_container(identifier)["State"]["Health"]["Status"]
        except Exception:  # gone or busy: the exit watch knows better
            status = "starting"
        health = {"healthy": "HEALTHY", "unhealthy": "UNHEALTHY"}.get(status, "UNKNOWN")
        task["containers"][index]["healthStatus"] = health
        if checked[index] == "essential":
            found.append(health)
    return next((name for name in ("UNHEALTHY", "UNKNOWN") if name in found), "HEALTHY" if found else "UNKNOWN")
