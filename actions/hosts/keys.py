"""The keys of both sides, as SSM keeps them: the private key that logs in, and what each host says it is."""

import base64
import io
import time
from dataclasses import dataclass

import paramiko
from botocore.exceptions import ClientError

from actions.clients import Clients
from actions.hosts.host import Host, HostError
from actions.lifeline import Cancellation
from actions.permissions import refusal

RETRY_SECONDS = 1.0
KIND = "ssh-ed25519"


@dataclass(frozen=True, kw_only=True)
class Login:
    """Who logs in, and where the keys lie in SSM."""

    user: str
    key_parameter: str  # SecureString
    host_keys_prefix: str  # before `<instance id>/host-key`
    port: int = 22


def private_key(aws: Clients, parameter: str) -> paramiko.PKey:
    """The key that logs in; it lives in this process only."""
    text = _value(aws, parameter)
    if text is None:
        raise HostError(f"SSM has no parameter {parameter}, which holds the key that logs in on the hosts")
    try:
        return paramiko.Ed25519Key.from_private_key(io.StringIO(text))
    except paramiko.SSHException as error:
        raise HostError(f"{parameter} does not hold an ed25519 private key") from error


def published_key(aws: Clients, login: Login, host: Host, deadline: float, cancellation: Cancellation) -> paramiko.PKey:
    """What the host published at its first boot; one that still boots has until `deadline` (time.monotonic())."""
    name = f"{login.host_keys_prefix.rstrip('/')}/{host.instance}/host-key"
    while (text := _value(aws, name)) is None:
        if time.monotonic() > deadline:
            raise HostError(f"{host.name}: it has not published its SSH key, SSM has no parameter {name}")
        cancellation.wait(RETRY_SECONDS)
    try:
        kind, encoded, *_ = text.split()
        if kind != KIND:
            raise HostError(f"{host.name}: {name} holds a key of type {kind}, and {KIND} is wanted")
        return paramiko.Ed25519Key(data=base64.b64decode(encoded))
    except (ValueError, paramiko.SSHException) as error:
        raise HostError(f"{host.name}: {name} does not hold an SSH public key") from error


def _value(aws: Clients, name: str) -> str | None:
    """None when there is no such parameter."""
    try:
        value: str = aws("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ParameterNotFound":
            return None
        raise HostError(f"{name} cannot be read: {refusal(error)}") from error
    return value
