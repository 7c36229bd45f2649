"""SSH to the hosts: one connection per host, its key checked, scripts sent on standard input."""

import threading
import time
from types import TracebackType
from typing import Self

import paramiko

from actions.clients import Clients
from actions.hosts.connection import Connection, Way
from actions.hosts.host import Host, HostError
from actions.hosts.ingress import Ingress
from actions.hosts.keys import Login, private_key, published_key
from actions.hosts.machine import ComposeMachine, Project
from actions.hosts.patience import Patience
from actions.hosts.session import Output, Session
from actions.lifeline import Cancellation


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
        self._cancellation, self._patience = cancellation, patience
        self._connection = Connection(host.name, self._way, lambda: patience.answer, cancellation, ingress.renew)

    def run(self, script: str, timeout_seconds: float) -> Output:
        return self._connection.run(script, timeout_seconds)

    def close(self) -> None:
        self._connection.close()

    def _way(self) -> Way:
        deadline = time.monotonic() + self._patience.boot
        expected = published_key(self._aws, self._login, self._host, deadline, self._cancellation)
        return Way(
            name=self._host.name,
            address=self._host.address,
            port=self._login.port,
            user=self._login.user,
            key=self._key,
            key_name=f"the key of {self._login.key_parameter}",
            expected=expected,
            promise=f"{self._host.instance} published {expected.fingerprint} at its first boot",
        )
