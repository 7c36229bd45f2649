"""What a container is run with: limits, health check, stop time, labels, secrets, and an image pinned by digest."""

import base64
import contextlib
import json
import os
import platform
import threading
from collections import defaultdict
from typing import Any

from localcloud.aws.ecs.engine import Record, ecs, ssm
from localcloud.aws.home import CLOUD_LABEL

NANO = 1_000_000_000
MEBIBYTE = 1024 * 1024

_original_run_kwargs = ecs._build_run_kwargs
_pull_locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


class StartError(Exception):
    """A container cannot be started; the text begins with AWS's error name."""


def run_kwargs(definition: Record, task_definition: Record, *rest: Any) -> Record:
    """MiniStack's arguments for `docker run`, completed."""
    kwargs: Record = _original_run_kwargs(definition, task_definition, *rest)
    kwargs["labels"][CLOUD_LABEL] = os.environ.get("LOCALCLOUD_ID", "")
    kwargs.update(_limits(definition, task_definition))
    if definition.get("healthCheck"):
        kwargs["healthcheck"] = docker_health_check(definition["healthCheck"])
    for source, option in _PLAIN_OPTIONS.items():
        if definition.get(source):
            kwargs[option] = definition[source]
    if (definition.get("linuxParameters") or {}).get("initProcessEnabled"):
        kwargs["init"] = True
    if kwargs.get("platform") == _host_platform():
        del kwargs["platform"]  # an image without platform data (docker import) is refused when one is named
    return kwargs


_PLAIN_OPTIONS = {
    "entryPoint": "entrypoint",
    "workingDirectory": "working_dir",
    "user": "user",
    "readonlyRootFilesystem": "read_only",
    "hostname": "hostname",
}


def _limits(definition: Record, task_definition: Record) -> Record:
    """Memory as a hard limit without swap, as Fargate; CPU as shares, because the machine is smaller than a cloud."""
    memory = int(definition.get("memory") or task_definition.get("memory") or 0)
    shares = int(definition.get("cpu") or task_definition.get("cpu") or 0)
    limits: Record = {}
    if memory:
        limits["mem_limit"] = limits["memswap_limit"] = memory * MEBIBYTE
    if shares:
        limits["cpu_shares"] = max(2, shares)
    return limits


def docker_health_check(check: Record) -> Record:
    """A task definition's healthCheck (seconds, AWS's defaults) as Docker's (nanoseconds)."""
    return {
        "test": list(check["command"]),
        "interval": int(check.get("interval") or 30) * NANO,
        "timeout": int(check.get("timeout") or 5) * NANO,
        "retries": int(check.get("retries") or 3),
        "start_period": int(check.get("startPeriod") or 0) * NANO,
    }


def secrets_of(definition: Record) -> dict[str, str]:
    """The container's `secrets`, SecureString parameters decrypted."""
    plain = {**definition, "secrets": [item for item in definition.get("secrets", []) if _is_secret_arn(item)]}
    values: dict[str, str] = _original_secrets(plain)
    for item in definition.get("secrets", []):
        if _is_secret_arn(item):
            continue
        source = item["valueFrom"]
        name = source.rpartition(":parameter")[2] if source.startswith("arn:") else source
        value = ssm.resolve_parameter_value(source, decrypt=True)
        if value is None:
            raise ecs._SecretResolutionError(f"invalid parameters: {name}")
        values[item["name"]] = str(value)
    return values


_original_secrets = ecs._resolve_container_secrets


def _is_secret_arn(item: Record) -> bool:
    return "secretsmanager" in item.get("valueFrom", "")


def pull(client: Any, image: str, platform_name: str | None = None) -> str:
    """Pull the image and return the digest it now has.

    Fargate has no cache: what the registry does not have cannot run, even when the machine still holds it. Only an
    image named without a registry host, which a closed network could pull from nowhere, is taken from the machine.
    """
    reference = image if "@" in image or ":" in image.rpartition("/")[2] else f"{image}:latest"
    with _pull_locks[reference]:
        try:
            if not has_host(reference):
                with contextlib.suppress(Exception):
                    return _digest(client.images.get(reference), reference)
            pulled = client.images.pull(reference, auth_config=_credentials(reference), platform=platform_name)
        except Exception as error:
            detail = getattr(error, "explanation", None) or error
            text = f"CannotPullContainerError: pull image manifest has been retried 1 time(s): {detail}"
            raise StartError(text) from error
    return _digest(pulled, reference)


def repository_of(image: str) -> str:
    """The image's name without tag and digest."""
    name: str = ecs._image_repository(image)
    return name


def _digest(image: Any, reference: str) -> str:
    repository = repository_of(reference)
    for entry in image.attrs.get("RepoDigests") or []:
        if entry.startswith(f"{repository}@"):
            return str(entry).partition("@")[2]
    return str(image.id)


def has_host(reference: str) -> bool:
    """True when the image name begins with a registry's host."""
    host, slash, _ = reference.partition("/")
    return bool(slash) and ("." in host or ":" in host or host == "localhost")


def own_registry(reference: str) -> bool:
    """True for an image of this cloud's registry, which listens on the cloud's port."""
    host = reference.partition("/")[0]
    return has_host(reference) and host.rpartition(":")[2] == os.environ.get("GATEWAY_PORT", "4566")


def _credentials(reference: str) -> Record | None:
    """What GetAuthorizationToken gives out, for the cloud's own registry; for others Docker's configuration counts."""
    if not own_registry(reference):
        return None
    from ministack.services import ecr

    _, _, body = ecr._get_authorization_token({})
    token = json.loads(body)["authorizationData"][0]["authorizationToken"]
    user, _, password = base64.b64decode(token).decode().partition(":")
    return {"username": user, "password": password}


def _host_platform() -> str:
    return {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}.get(platform.machine(), "")
