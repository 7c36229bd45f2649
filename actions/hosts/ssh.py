"""SSH to the hosts: one connection per host, its key checked, scripts sent on standard input."""

import threading
import time
from types import TracebackType
from typing import Self

import paramiko

from actions.clients import Clients
from actions.hosts.host import Host, HostError
from actions.hosts.ingress import SSH_PORT, Ingress
from actions.hosts.keys import RETRY_SECONDS, Login, private_key, published_key
from actions.hosts.machine import ComposeMachine, Project
from actions.hosts.patience import Patience
from actions.hosts.session import Output, Session
from actions.lifeline import Cancellation

CONNECT_SECONDS = 5.0
KEEPALIVE_SECONDS = 15
POLL_SECONDS = 0.1
CHUNK = 65536  # bytes
LOST_TWICE = 2  # a script is sent again after a lost connection, and no third time
AS_ROOT = 'if [ "$(id -u)" = 0 ]; then exec sh -s; else exec sudo -n -H sh -s; fi'


class ConnectionLost(Exception):
    """The connection broke while a script ran; every script may be repeated."""


class SshAccess:
    """The hosts over SSH, with the port open for this runner from enter to exit."""

    def __init__(
        self, aws: Clients, login: Login, ingress: Ingress, project: Project, cancellation: Cancellation
    ) -> None:
        self._aws, self._login, self._ingress = aws, login, ingress
        self._project, self._cancellation = project, cancellation
        self._sessions: dict[str, SshSession] = {}
        self._making = threading.Lock()
        self._key: paramiko.PKey | None = None
        self.patience = Patience()

    def __enter__(self) -> Self:
        self._key = private_key(self._aws, self._login.key_parameter)
        try:
            self._ingress.open()
        except BaseException:
            self._ingress.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._cancellation.shielded():
            for session in self._sessions.values():
                session.close()
            self._ingress.close()

    def machine(self, host: Host) -> ComposeMachine:
        return ComposeMachine(host, self.session(host), self._project)

    def session(self, host: Host) -> Session:
        with self._making:
            if self._key is None:
                raise HostError(f"{host.name}: the way to it is not open")
            if host.instance not in self._sessions:
                self._sessions[host.instance] = SshSession(
                    host, self._aws, self._login, self._key, self._ingress, self._cancellation, self.patience
                )
            return self._sessions[host.instance]


class SshSession:
    """One host's connection: made when it is first needed, made again when it was lost."""

    def __init__(
        self,
        host: Host,
        aws: Clients,
        login: Login,
        key: paramiko.PKey,
        ingress: Ingress,
        cancellation: Cancellation,
        patience: Patience,
    ) -> None:
        self._host, self._aws, self._login, self._key = host, aws, login, key
        self._ingress, self._cancellation, self._patience = ingress, cancellation, patience
        self._using = threading.Lock()
        self._client: paramiko.SSHClient | None = None

    def run(self, script: str, timeout_seconds: float) -> Output:
        with self._using:
            for _ in range(LOST_TWICE):
                transport = self._connected()
                try:
                    return self._send(transport, script, time.monotonic() + timeout_seconds)
                except (ConnectionLost, paramiko.SSHException, EOFError, OSError):
                    self.close()
            raise HostError(f"{self._host.name}: the connection broke {LOST_TWICE} times while a script ran")

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _connected(self) -> paramiko.Transport:
        if self._client is not None:
            transport = self._client.get_transport()
            if transport is not None and transport.is_active():
                return transport
            self.close()
        deadline = time.monotonic() + self._patience.boot
        self._client = self._connect(published_key(self._aws, self._login, self._host, deadline, self._cancellation))
        transport = self._client.get_transport()
        if transport is None:
            raise HostError(f"{self._host.name}: the connection broke at once")
        transport.set_keepalive(KEEPALIVE_SECONDS)
        return transport

    def _connect(self, expected: paramiko.PKey) -> paramiko.SSHClient:
        """Tries until the host answers or patience ends; a wrong key on either side ends it at once."""
        name, address = self._host.name, self._host.address
        deadline = time.monotonic() + self._patience.answer
        while True:
            try:
                return self._try(expected)
            except paramiko.BadHostKeyException as error:
                raise HostError(
                    f"{name}: {address} shows the SSH key {error.key.fingerprint}, and {self._host.instance} published "
                    f"{expected.fingerprint} at its first boot: it was replaced, or somebody is in between"
                ) from error
            except paramiko.AuthenticationException as error:
                raise HostError(
                    f"{name}: it does not let {self._login.user} in with the key of {self._login.key_parameter}"
                ) from error
            except (paramiko.SSHException, EOFError, OSError) as error:
                if time.monotonic() > deadline:
                    why = str(error) or type(error).__name__
                    raise HostError(f"{name}: no SSH server answers at {address}: {why}") from error
            self._ingress.renew()
            self._cancellation.wait(RETRY_SECONDS)

    def _try(self, expected: paramiko.PKey) -> paramiko.SSHClient:
        client, port = paramiko.SSHClient(), self._login.port
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        known = self._host.address if port == SSH_PORT else f"[{self._host.address}]:{port}"
        client.get_host_keys().add(known, expected.get_name(), expected)
        try:
            client.connect(
                self._host.address,
                port=port,
                username=self._login.user,
                pkey=self._key,
                timeout=CONNECT_SECONDS,
                banner_timeout=CONNECT_SECONDS,
                auth_timeout=CONNECT_SECONDS,
                channel_timeout=CONNECT_SECONDS,
                allow_agent=False,
                look_for_keys=False,
            )
        except BaseException:
            client.close()
            raise
        return client

    def _send(self, transport: paramiko.Transport, script: str, deadline: float) -> Output:
        out, err = bytearray(), bytearray()
        with transport.open_session(timeout=CONNECT_SECONDS) as channel:
            channel.exec_command(AS_ROOT)
            channel.settimeout(CONNECT_SECONDS)
            channel.sendall(script.encode())
            channel.shutdown_write()
            while not (channel.eof_received and channel.status_event.is_set()):
                if channel.closed or not transport.is_active():
                    raise ConnectionLost
                if time.monotonic() > deadline:
                    raise HostError(f"{self._host.name}: a script did not end in time")
                _drain(channel, out, err)
                self._cancellation.wait(POLL_SECONDS)
            _drain(channel, out, err)
            return Output(code=channel.recv_exit_status(), out=_text(out), err=_text(err))


def _drain(channel: paramiko.Channel, out: bytearray, err: bytearray) -> None:
    while channel.recv_ready():
        out += channel.recv(CHUNK)
    while channel.recv_stderr_ready():
        err += channel.recv_stderr(CHUNK)


def _text(data: bytearray) -> str:
    return data.decode(errors="replace")
