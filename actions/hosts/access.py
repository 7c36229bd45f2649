"""The way to the hosts that a command's environment asks for."""

import os
from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from actions.clients import Clients
from actions.environment import text as environment_text
from actions.errors import ReleaseError
from actions.hosts.ingress import Ingress
from actions.hosts.keys import Login
from actions.hosts.machine import Project
from actions.hosts.ssh import SshAccess
from actions.hosts.ssm import SsmAccess
from actions.lifeline import Cancellation
from actions.progress import Progress

ADDRESS_URL = "https://checkip.amazonaws.com"
MARGIN_SECONDS = 600  # a release may take its time twice: forward and back


def access_from_environment(
    aws: Clients,
    project: Project,
    cancellation: Cancellation,
    progress: Progress,
    environment: Mapping[str, str] = os.environ,
) -> SshAccess | SsmAccess:
    """Reads ACCESS, SSH_USER, SSH_KEY_PARAMETER, HOST_KEYS_PREFIX, SECURITY_GROUP, TIMEOUT_SECONDS and
    RUNNER_ADDRESS_URL; raises `ReleaseError` naming the variable that is missing.
    """

    text = partial(environment_text, environment=environment)
    if text("ACCESS") == "ssm":
        return SsmAccess(aws, project, cancellation)
    if text("ACCESS") != "ssh":
        raise ReleaseError(f"ACCESS must be ssh or ssm, got {text('ACCESS')}")
    lifetime = timedelta(seconds=2 * int(text("TIMEOUT_SECONDS")) + MARGIN_SECONDS)
    url = environment.get("RUNNER_ADDRESS_URL") or ADDRESS_URL
    login = Login(
        user=text("SSH_USER"),
        key_parameter=text("SSH_KEY_PARAMETER"),
        host_keys_prefix=text("HOST_KEYS_PREFIX"),
    )
    ingress = Ingress(aws, text("SECURITY_GROUP"), url, lifetime, progress)
    return SshAccess(aws, login, ingress, project, cancellation)
