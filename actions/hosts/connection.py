"""One SSH connection: its host key checked, made again when it was lost; what is sent arrives on standard input."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import paramiko

from actions.hosts.host import HostError
from actions.hosts.session import Output
from actions.lifeline import Cancellation

CONNECT_SECONDS = 5.0
RETRY_SECONDS = 1.0
KEEPALIVE_SECONDS = 15
POLL_SECONDS = 0.1
CHUNK = 65536  # bytes
LOST_TWICE = 2  # a script is sent again after a lost connection, and no third time
SSH_PORT = 22
AS_ROOT = 'if [ "$(id -u)" = 0 ]; then exec sh -s; else exec sudo -n -H sh -s; fi'


class ConnectionLost(Exception):
    """The connection broke while a script ran; every script may be repeated."""


@dataclass(frozen=True, kw_only=True)
class Way:
    """Where an SSH server answers, who logs in, and how errors speak of both keys."""

    name: str  # of the host, as people call it
    address: str
    port: int
    user: str
    key: paramiko.PKey
    key_name: str  # such as: the key of /path/of/parameter
    expected: paramiko.PKey  # the host's own
    promise: str  # why that one, such as: i-1 published SHA256:… at its first boot
    settling_seconds: float = 0.0  # a server that boots for the first time may still be putting its keys in place


class Connection:
    """Made when it is first needed; `way` may take its time to find out."""

    def __init__(
        self,
        name: str,
        way: Callable[[], Way],
        answer_seconds: Callable[[], float],
        cancellation: Cancellation,
        between: Callable[[], None] = lambda: None,
    ) -> None:
        self._name, self._way, self._answer_seconds = name, way, answer_seconds
        self._cancellation, self._between = cancellation, between  # `between` is called between two attempts
        self._using = threading.Lock()
        self._client: paramiko.SSHClient | None = None

    def run(self, script: str, timeout_seconds: float) -> Output:
        """Runs a script as root; raises `HostError` when it cannot be run or does not end in time."""
        with self._using:
            for _ in range(LOST_TWICE):
                transport = self._connected()
                try:
                    return self._send(transport, AS_ROOT, [script.encode()], time.monotonic() + timeout_seconds)
                except (ConnectionLost, paramiko.SSHException, EOFError, OSError):
                    self.close()
            raise HostError(f"{self._name}: the connection broke {LOST_TWICE} times while a script ran")

    def feed(self, command: str, data: Iterable[bytes], timeout_seconds: float) -> Output:
        """Runs a command with `data` on its standard input, once; `ConnectionLost` when it was cut."""
        with self._using:
            transport = self._connected()
            try:
                return self._send(transport, command, data, time.monotonic() + timeout_seconds)
            except (paramiko.SSHException, EOFError, OSError) as error:
                self.close()
                raise ConnectionLost(str(error) or type(error).__name__) from error
            except ConnectionLost:
                self.close()
                raise

    def reach(self) -> None:
        """Have it made, or raise `HostError`."""
        with self._using:
            self._connected()

    def stands(self) -> bool:
        """Whether it is there, without making it."""
        transport = self._client.get_transport() if self._client is not None else None
        return transport is not None and transport.is_active()

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
        self._client = self._connect(self._way())
        transport = self._client.get_transport()
        if transport is None:
            raise HostError(f"{self._name}: the connection broke at once")
        transport.set_keepalive(KEEPALIVE_SECONDS)
        return transport

    def _connect(self, way: Way) -> paramiko.SSHClient:
        """Tries until the host answers or patience ends; a wrong key on either side ends it."""
        began = time.monotonic()
        while True:
            try:
                return _try(way)
            except (paramiko.SSHException, EOFError, OSError) as error:
                final = isinstance(error, paramiko.BadHostKeyException | paramiko.AuthenticationException)
                patience = way.settling_seconds if final else self._answer_seconds()
                if time.monotonic() >= began + patience:
                    raise _explained(way, error) from error
            self._between()
            self._cancellation.wait(RETRY_SECONDS)

    def _send(self, transport: paramiko.Transport, command: str, data: Iterable[bytes], deadline: float) -> Output:
        out, err = bytearray(), bytearray()
        with transport.open_session(timeout=CONNECT_SECONDS) as channel:
            channel.exec_command(command)
            channel.settimeout(CONNECT_SECONDS)
            self._write(channel, transport, data, deadline)
            while not (channel.eof_received and channel.status_event.is_set()):
                if channel.closed or not transport.is_active():
                    raise ConnectionLost
                self._within(deadline)
                _drain(channel, out, err)
                self._cancellation.wait(POLL_SECONDS)
            _drain(channel, out, err)
            return Output(code=channel.recv_exit_status(), out=_text(out), err=_text(err))

    def _write(
        self, channel: paramiko.Channel, transport: paramiko.Transport, data: Iterable[bytes], deadline: float
    ) -> None:
        """A program that ends before it has read all has said why: its output is read all the same."""
        try:
            for piece in _pieces(data):
                channel.sendall(piece)
                self._cancellation.check()
                self._within(deadline)
            channel.shutdown_write()
        except OSError:
            if not transport.is_active() or not channel.status_event.is_set():
                raise

    def _within(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise HostError(f"{self._name}: a script did not end in time")


def _try(way: Way) -> paramiko.SSHClient:
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    known = way.address if way.port == SSH_PORT else f"[{way.address}]:{way.port}"
    client.get_host_keys().add(known, way.expected.get_name(), way.expected)
    try:
        client.connect(
            way.address,
            port=way.port,
            username=way.user,
            pkey=way.key,
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


def _explained(way: Way, error: Exception) -> HostError:
    if isinstance(error, paramiko.BadHostKeyException):
        return HostError(
            f"{way.name}: {way.address} shows the SSH key {error.key.fingerprint}, and {way.promise}: "
            "it was replaced, or somebody is in between"
        )
    if isinstance(error, paramiko.AuthenticationException):
        return HostError(f"{way.name}: it does not let {way.user} in with {way.key_name}")
    return HostError(f"{way.name}: no SSH server answers at {way.address}: {str(error) or type(error).__name__}")


def _pieces(data: Iterable[bytes]) -> Iterator[bytes]:
    for block in data:
        for start in range(0, len(block), CHUNK):
            yield block[start : start + CHUNK]


def _drain(channel: paramiko.Channel, out: bytearray, err: bytearray) -> None:
    while channel.recv_ready():
        out += channel.recv(CHUNK)
    while channel.recv_stderr_ready():
        err += channel.recv_stderr(CHUNK)


def _text(data: bytearray) -> str:
    return data.decode(errors="replace")
