"""The server of a bake or a test, over one SSH connection whose host key was made by the run itself."""

import base64
import io
import shlex
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import paramiko

from actions.environment import text
from actions.errors import ReleaseError
from actions.hosts.connection import Connection, ConnectionLost, Way
from actions.hosts.host import HostError
from actions.hosts.machine import reason
from actions.hosts.session import Output
from actions.lifeline import Cancellation

FILES = Path(__file__).parent / "files"
LOOK_SECONDS = 60.0
CHANGE_SECONDS = 660.0  # a change waits up to 600 s for the one before it
UPLOAD_SECONDS = 1800.0
UPLOAD_TRIES = 5  # connections that may break
SETTLING_SECONDS = 20.0  # for cloud-init to put the keys in place
BLOCK = 1 << 16
AS_ROOT = 'if [ "$(id -u)" = 0 ]; then exec sh -c {text}; else exec sudo -n -H sh -c {text}; fi'

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Login:
    """Where a run's server answers and who logs in; both keys were made for this run alone."""

    run: str
    address: str
    port: int
    user: str
    key: str  # private, as OpenSSH writes it
    host_key: str  # public line

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Login":
        asked = partial(text, environment=environment)
        return cls(
            run=asked("RUN"),
            address=asked("ADDRESS"),
            port=number("SSH_PORT", 22, environment, int),
            user=asked("SSH_USER"),
            key=asked("LOGIN_KEY"),
            host_key=asked("HOST_KEY"),
        )

    def way(self) -> Way:
        try:
            key = paramiko.Ed25519Key.from_private_key(io.StringIO(self.key))
            expected = paramiko.Ed25519Key(data=base64.b64decode(self.host_key.split()[1]))
        except (paramiko.SSHException, ValueError, IndexError) as error:
            raise ReleaseError(
                f"{self.run}: LOGIN_KEY and HOST_KEY are not ed25519 keys as OpenSSH writes them"
            ) from error
        return Way(
            name=self.run,
            address=self.address,
            port=self.port,
            user=self.user,
            key=key,
            key_name="the key of this run",
            expected=expected,
            promise=f"this run gave its server the host key {expected.fingerprint}",
            settling_seconds=SETTLING_SECONDS,
        )


class Server:
    """Scripts that may be repeated, as root; `HostError` carries the reason a script gave itself."""

    def __init__(self, login: Login, answer_seconds: float, cancellation: Cancellation) -> None:
        self._login = login
        self._connection = Connection(login.run, login.way, lambda: answer_seconds, cancellation)

    @property
    def name(self) -> str:
        return self._login.run

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def reach(self) -> None:
        """Raises `HostError` when no SSH server answers in time, or not the right one."""
        self._connection.reach()

    def reached(self) -> bool:
        """Whether the connection still stands."""
        return self._connection.stands()

    def run(self, script: str, timeout_seconds: float, **variables: str) -> Output:
        output = self._connection.run(program(script, {"RUN": self.name, **variables}), timeout_seconds)
        if output.code:
            raise HostError(f"{self.name}: {reason(output)}")
        return output

    def send(self, payload: Path, sha256: str, say: Callable[[str], None]) -> None:
        """The payload arrives whole, and goes on where it was cut."""
        size = payload.stat().st_size
        for _ in range(UPLOAD_TRIES):
            here = {"PAYLOAD": sha256, "ATTEMPT": uuid.uuid4().hex[:8]}
            have = pairs(self.run("have", LOOK_SECONDS, **here).out)["have"]
            if have == "whole":
                return
            command = program("receive", {"RUN": self.name, **here, "SIZE": str(size)}, stdin=True)
            try:
                quoted = AS_ROOT.format(text=shlex.quote(command))
                output = self._connection.feed(quoted, _from(payload, int(have)), UPLOAD_SECONDS)
            except ConnectionLost as error:
                say(f"upload: the connection broke ({error}); going on where it ended")
                continue
            if output.code == 0:
                return
            say(f"upload: {reason(output)}; again")
        raise HostError(f"{self.name}: the payload did not arrive in {UPLOAD_TRIES} attempts")


def program(script: str, variables: Mapping[str, str], *, stdin: bool = False) -> str:
    """One compound command: a shell runs it only when all of it has arrived. It reads nothing, except with `stdin`."""
    given = [f"{name}={shlex.quote(value)}" for name, value in variables.items()]
    parts = [(FILES / "common.sh").read_text(), (FILES / f"{script}.sh").read_text()]
    return "\n".join(["{", *given, *parts, "}" if stdin else "} </dev/null", ""])


def packed(content: str) -> str:
    return base64.b64encode(content.encode()).decode()


def pairs(output: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in output.splitlines() if "=" in line)


def number(name: str, otherwise: T, environment: Mapping[str, str], kind: Callable[[str], T]) -> T:
    """A variable that may be missing."""
    try:
        return kind(environment[name]) if environment.get(name) else otherwise
    except ValueError:
        raise ReleaseError(f"{name} must be a number, got {environment[name]!r}") from None


def _from(payload: Path, offset: int) -> Iterator[bytes]:
    with payload.open("rb") as file:
        file.seek(offset)
        while block := file.read(BLOCK):
            yield block
