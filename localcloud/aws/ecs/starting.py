"""How a task starts: secrets, image, containers, RUNNING; on any failure STOPPED with AWS's words."""

import contextlib
import logging
import time
from collections.abc import Callable
from typing import Any

from localcloud.aws.ecs import containers, execution_role, records, stopping, watching
from localcloud.aws.ecs.engine import Record, Scope, ecs, scoped, service_of, task_lock

logger = logging.getLogger("localcloud.ecs")


class Starting:
    """Runs on one thread per task, started by MiniStack's RunTask."""

    def __init__(self, exited: Callable[[Record, Scope], None], failed: Callable[[Record], None]) -> None:
        self._exited = exited
        self._failed = failed

    def worker(self, task: Record, definition: Record, overrides: Any, client: Any, account: str, region: str) -> None:
        """In place of MiniStack's `_run_task_worker`."""
        with scoped((account, region)):
            task["_worker_done"] = False
            _note_definition(task, definition)
            reason = ""
            try:
                execution_role.check(task, definition)
                _validate_logs(definition)
                ecs._start_task_worker(task, definition, overrides, client)
            except ecs._SecretResolutionError as error:
                reason = f"{execution_role.FROM_SSM}{error}"
            except containers.StartError as error:
                reason = str(error)
            except Exception as error:
                reason = f"CannotStartContainerError: {error}"
            finally:
                task["_worker_done"] = True
            if reason:
                self._give_up(task, reason)
            elif task["lastStatus"] == "RUNNING":
                _note_running(task)
                watching.watch(task, (account, region), self._exited)

    def _give_up(self, task: Record, reason: str) -> None:
        logger.info("task %s failed to start: %s", task["taskArn"], reason)
        with task_lock(task):
            wanted = task["desiredStatus"] != "STOPPED"
            if wanted:
                task.update(desiredStatus="STOPPED", stoppedReason=reason, stopCode="TaskFailedToStart")
                task["stoppingAt"] = ecs._iso()
                for container in task["containers"]:
                    container.setdefault("reason", reason)
        watching.stop_containers(task)
        watching.remove_containers(task)
        if wanted:
            stopping.finish(task)
            self._failed(task)


def _note_definition(task: Record, definition: Record) -> None:
    """Keep on the task what its definition says about health checks and stop times: definitions can be deregistered."""
    listed = definition.get("containerDefinitions", [])
    checked = [
        ("essential" if item.get("essential", True) else "other") if item.get("healthCheck") else "" for item in listed
    ]
    with task_lock(task):
        task.update({name: task[name] or None for name in ("stopCode", "stoppedReason")})  # AWS omits what is empty
        task["_health_checked"] = checked if any(checked) else []
        task["_stop_timeouts"] = [int(item.get("stopTimeout") or watching.DEFAULT_STOP_SECONDS) for item in listed]


def _note_running(task: Record) -> None:
    """Complete the record of a task that has begun to run: its containers' network interfaces, and since when."""
    for attachment in task.get("attachments") or []:
        interface = {"attachmentId": attachment["id"], "privateIpv4Address": ecs._task_ip(task)}
        for container in task["containers"]:
            container["networkInterfaces"] = [interface]
    task["_running_at"] = time.time()


def _validate_logs(definition: Record) -> None:
    from ministack.services import cloudwatch_logs

    for item in definition.get("containerDefinitions", []):
        config = ecs._awslogs_config(item, "", "")
        if config and not config["create_group"] and config["group"] not in cloudwatch_logs._log_groups:
            raise containers.StartError(
                f"{execution_role.LOGGER}failed to create Cloudwatch log stream: "
                f"ResourceNotFoundException: The specified log group does not exist: {config['group']}"
            )


def run_container(client: Any, definition: Record, run_kwargs: Record, **_: Any) -> Any:
    """In place of MiniStack's `_run_docker_container`: the image is there already, so create and start."""
    run_kwargs.pop("detach", None)
    container = client.containers.create(definition["image"], **run_kwargs)
    try:
        container.start()
    except Exception as error:
        with contextlib.suppress(Exception):
            container.remove(v=True, force=True)
        detail = getattr(error, "explanation", None) or error
        raise containers.StartError(f"CannotStartContainerError: {detail}") from error
    return container


def prepare_images(task: Record, definition: Record, client: Any) -> Record | None:
    """In place of MiniStack's `_prepare_service_images`: pull every image and pin it by digest.

    The first task of a deployment decides the digest; later ones run the same, even when the tag has moved.
    """
    service = service_of(task)
    owner = records.deployment(service, task.get("_deployment_id") or "") if service else None
    pinned: dict[str, str] = owner.setdefault("_image_digests", {}) if owner is not None else {}
    found: dict[str, str] = {}
    for index, item in enumerate(definition.get("containerDefinitions", [])):
        image, name = item["image"], item["name"]
        wanted = f"{containers.repository_of(image)}@{pinned[name]}" if name in pinned and "@" not in image else image
        digest = containers.pull(client, wanted)
        found[name] = pinned.setdefault(name, digest) if containers.has_host(image) else digest
        with task_lock(task):
            task["containers"][index]["imageDigest"] = found[name]
    if service is not None and owner is not None:
        _note_revision_images(service, owner, definition, found)
    # An image of this machine alone has no registry digest to be run by: it keeps its name.
    by_digest = {item["name"] for item in definition["containerDefinitions"] if containers.has_host(item["image"])}
    return {"_image_digests": {name: digest for name, digest in found.items() if name in by_digest}}


def _note_revision_images(service: Record, owner: Record, definition: Record, found: dict[str, str]) -> None:
    revision = (service.get("_revisions") or {}).get(owner["id"])
    if revision is not None:
        revision["containerImages"] = [
            {"containerName": item["name"], "imageDigest": found[item["name"]], "image": item["image"]}
            for item in definition.get("containerDefinitions", [])
        ]
