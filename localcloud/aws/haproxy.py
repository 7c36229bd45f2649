"""One HAProxy in master-worker mode: start, reload without loss, commands, statistics."""

import contextlib
import csv
import io
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from localcloud.aws.home import CloudError, Home
from localcloud.polling import until

SECONDS = 15.0
LINGER_SECONDS = 2.0  # an old worker's least life: connections in use get an answer in that time


@dataclass(frozen=True, kw_only=True)
class Server:
    """What HAProxy tells about one server."""

    backend: str
    name: str
    status: str  # UP, DOWN, MAINT and the steps between
    check_status: str  # L7OK, L7STS, L4TOUT, …; empty before the first check
    check_code: str
    last_check: str
    in_flight: int


class HAProxy:
    """The data plane's process. Its sockets lie in the cloud's home; every method may be called from any thread."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._directory = home.balancer
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._reloaded = 0.0
        self._may_have_old = False  # after a reload, until the last old worker has ended

    def path(self, name: str) -> str:
        return str(self._directory / name)

    def write(self, name: str, content: str) -> str:
        """A file next to the configuration, readable by the owner only."""
        self._directory.mkdir(mode=0o700, exist_ok=True)
        path = self._directory / name
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
        return str(path)

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def apply(self, configuration: str) -> None:
        """Run this configuration: start HAProxy, or hand the listening sockets over to a worker that knows it.

        Raises CloudError with HAProxy's words when it refuses; what ran before goes on.
        """
        with self._lock:
            self.write("new.cfg", configuration)
            self._validate()
            os.replace(self._directory / "new.cfg", self._directory / "haproxy.cfg")
            if self.running():
                self._reload()
            else:
                self._start()

    def _program(self) -> str:
        program = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
        if program is None:
            raise CloudError("The local cloud's load balancers need HAProxy: apt-get install haproxy.")
        return program

    def _validate(self) -> None:
        checked = subprocess.run(
            [self._program(), "-c", "-f", "new.cfg"],
            cwd=self._directory,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        if checked.returncode:
            raise CloudError(f"HAProxy refuses the configuration: {_alert(checked.stderr)}")

    def _start(self) -> None:
        (self._directory / "servers.state").unlink(missing_ok=True)
        with open(self.path("haproxy.log"), "ab") as log:
            self._process = subprocess.Popen(
                [self._program(), "-W", "-S", "unix@master.sock,mode,600", "-f", "haproxy.cfg"],
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._home.record("haproxy", self._process.pid)
        if not until(self._answers, SECONDS):
            with open(self.path("haproxy.log")) as log_file:
                words = log_file.read()
            self.close()
            raise CloudError(f"HAProxy does not start: {_alert(words)}")

    def _answers(self) -> bool:
        if not self.running():
            return True  # the caller looks at it again
        try:
            return bool(self.command("show info"))
        except OSError:
            return False

    def _reload(self) -> None:
        assert self._process is not None  # noqa: S101 narrowed by the caller
        before = self._workers()[0]
        states = self.command("show servers state").rstrip("\n")
        self.write("servers.state", f"{states}\n\n")  # without its end of line HAProxy drops the last server's state
        self._may_have_old, self._reloaded = True, time.monotonic()
        os.kill(self._process.pid, signal.SIGUSR2)
        if not until(lambda: self._workers()[0] not in ("", before), SECONDS):
            with open(self.path("haproxy.log")) as log:
                raise CloudError(f"HAProxy does not take the new configuration: {_alert(log.read())}")
        if not until(self._answers, SECONDS):
            raise CloudError("HAProxy does not answer after a reload.")

    def _workers(self) -> tuple[str, list[str]]:
        """The process id of the present worker and those of workers that only finish their connections."""
        try:
            lines = self.master("show proc").splitlines()
        except OSError:
            return "", []
        current, old, section = "", [], ""
        for line in lines:
            if line.startswith("#"):
                section = line
            elif " worker " in f" {line} ".replace("\t", " "):
                pid = line.split()[0]
                if "old workers" in section:
                    old.append(pid)
                else:
                    current = pid
        return current, old

    # -- commands ---

    def command(self, *commands: str) -> str:
        """Run commands of the runtime API in the present worker, one after the other, and return what it says."""
        return self._talk("stats.sock", "; ".join(commands))

    def cut_off(self, server: str) -> None:
        """End what is in flight to `backend/server`, in every worker. Old ones only let single sessions be ended."""
        self.command(f"shutdown sessions server {server}")
        backend, _, name = server.partition("/")
        for pid in self.old_workers():
            for line in self.master(f"@!{pid} show sess").splitlines():
                if f" be={backend} " in line and f" srv={name} " in line:
                    self.master(f"@!{pid} shutdown session {line.partition(':')[0]}")

    def end_idle_workers(self, old: dict[str, dict[str, Server]]) -> None:
        """End the old workers with nothing in flight, once clients have had the time to move to the present one.

        A client that keeps its connection is moved by the next answer it gets. One that stays silent must not find an
        old worker later on, which checks no health and takes no command about servers.
        """
        if time.monotonic() - self._reloaded < LINGER_SECONDS:
            return
        for pid, servers in old.items():
            if not any(server.in_flight for server in servers.values()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGTERM)

    def master(self, command: str) -> str:
        return self._talk("master.sock", command)

    def _talk(self, name: str, line: str) -> str:
        # A path through the open directory: a socket's name may only have 107 bytes, a home's may have more.
        directory = os.open(self._directory, os.O_PATH | os.O_DIRECTORY)
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(SECONDS)
                connection.connect(f"/proc/self/fd/{directory}/{name}")
                connection.sendall(line.encode() + b"\n")
                connection.shutdown(socket.SHUT_WR)
                answer = b""
                while chunk := connection.recv(65536):
                    answer += chunk
        finally:
            os.close(directory)
        return answer.decode(errors="replace").strip()

    def servers(self) -> dict[str, Server]:
        """Every server of the present worker by name."""
        return {server.name: server for server in _servers(self.command("show stat -1 4 -1"))}

    def old_workers(self) -> dict[str, dict[str, Server]]:
        """The servers of the workers that only finish their connections, by process id and name."""
        if not self._may_have_old:
            return {}
        pids = self._workers()[1]
        self._may_have_old = bool(pids)
        return {
            pid: {server.name: server for server in _servers(self.master(f"@!{pid} show stat -1 4 -1"))} for pid in pids
        }

    def close(self) -> None:
        """End HAProxy with all its workers at once."""
        with self._lock:
            if self._process is not None:
                for number in (signal.SIGTERM, signal.SIGKILL):
                    if self.running():
                        self._process.send_signal(number)
                        until(lambda: not self.running(), 5)
                self._process = None
                self._home.forget("haproxy")


def _servers(statistics: str) -> Iterator[Server]:
    for row in csv.DictReader(io.StringIO(statistics.lstrip("# "))):
        yield Server(
            backend=row["pxname"],
            name=row["svname"],
            status=row["status"],
            check_status=(row.get("check_status") or "").removeprefix("* "),
            check_code=row.get("check_code") or "",
            last_check=row.get("last_chk") or "",
            in_flight=int(row.get("scur") or 0),
        )


def _alert(text: str) -> str:
    """The last line in which HAProxy says what is wrong."""
    lines = [line.partition(") : ")[2] or line for line in text.splitlines() if "[ALERT]" in line]
    return lines[0].strip() if lines else (text.strip().splitlines() or ["no reason given"])[-1]
