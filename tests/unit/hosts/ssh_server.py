"""An SSH server on the loopback interface that runs what it is told with this machine's shell."""

import os
import socket
import subprocess
import threading
from types import TracebackType
from typing import Self

import paramiko
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED

from actions.hosts.connection import AS_ROOT


class SshServer(paramiko.ServerInterface):
    """Lets `user` in with `allowed`; `drops` connections are cut as soon as a script has arrived.

    A command other than that for scripts gets what is sent; each of `cuts` breaks one off after so many bytes.
    """

    def __init__(self, host_key: paramiko.PKey, allowed: paramiko.PKey, user: str = "admin") -> None:
        self._host_key, self._allowed, self._user = host_key, allowed, user
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._transports: list[paramiko.Transport] = []
        self.port = int(self._listener.getsockname()[1])
        self.connections = 0
        self.commands: list[str] = []
        self.drops = 0
        self.cuts: list[int] = []
        self.received: list[int] = []
        self.environment = dict(os.environ)

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for transport in self._transports:
            transport.close()

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        known = username == self._user and key.asbytes() == self._allowed.asbytes()
        return AUTH_SUCCESSFUL if known else AUTH_FAILED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self.commands.append(command.decode())
        feeds = command.decode() != AS_ROOT
        target, words = (self._feed, (channel, command.decode())) if feeds else (self._run, (channel,))
        threading.Thread(target=target, args=words, daemon=True).start()
        return True

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            transport = paramiko.Transport(connection)
            transport.add_server_key(self._host_key)
            self._transports.append(transport)
            transport.start_server(event=threading.Event(), server=self)

    def _run(self, channel: paramiko.Channel) -> None:
        script = channel.makefile("rb").read()
        if self.drops:
            self.drops -= 1
            channel.get_transport().close()
            return
        self._answer(channel, subprocess.run(["sh", "-s"], input=script, capture_output=True, env=self.environment))

    def _feed(self, channel: paramiko.Channel, command: str) -> None:
        cut = self.cuts.pop(0) if self.cuts else -1
        data = channel.makefile("rb").read(cut)
        self.received.append(len(data))
        done = subprocess.run(["sh", "-c", command], input=data, capture_output=True, env=self.environment)
        if cut >= 0:
            channel.get_transport().close()
            return
        self._answer(channel, done)

    def _answer(self, channel: paramiko.Channel, done: subprocess.CompletedProcess[bytes]) -> None:
        channel.sendall(done.stdout)
        channel.sendall_stderr(done.stderr)
        channel.send_exit_status(done.returncode)
        channel.close()
