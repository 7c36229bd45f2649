"""A server in the background: started and stopped at any time, any number of times."""

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from localcloud.aws.home import CloudError, Home, Running
from localcloud.polling import until

START_SECONDS = 30.0
STOP_SECONDS = 20.0
RELEASE_SECONDS = 2.0
REPOSITORY = Path(__file__).parents[1]
LOW_PORTS = "python-low-ports"  # beside the Python of those who are not root: a copy that may listen below 1024
_children: dict[int, subprocess.Popen[bytes]] = {}  # servers this process has started: to be reaped when they end


@dataclass(frozen=True, kw_only=True)
class Daemon:
    """`python -m MODULE serve --home HOME --port PORT`, one per home."""

    name: str  # as errors call it: local cloud
    module: str
    health: str  # the path that answers 200 once it serves
    low_ports: bool = False  # it listens below port 1024

    def start(self, home: Home, port: int) -> None:
        """Have it answering on `port`; call with the home's lock held.

        Raises CloudError when the port is taken, the server of this home has another port, or it does not come up.
        """
        server = home.running("server")
        if server is not None and server.port != port:
            raise CloudError(f"The {self.name} in {home.root} already runs on port {server.port}, not {port}.")
        if server is None:
            _refuse_taken_port(port)
            server = self._spawn(home, port)
        self._await_answer(home, server, port)

    def _spawn(self, home: Home, port: int) -> Running:
        command = [self._python(), "-m", self.module, "serve", "--home", str(home.root), "--port", str(port)]
        path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
        with home.log.open("wb") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": path},
                start_new_session=True,
            )
        _reap()
        _children[process.pid] = process
        home.record("server", process.pid, port)
        server = home.running("server")
        if server is None:
            raise CloudError(f"The {self.name} ended at once: {_last_words(home)}")
        return server

    def _python(self) -> str:
        able = Path(sys.executable).with_name(LOW_PORTS)
        return str(able) if self.low_ports and able.exists() else sys.executable

    def _await_answer(self, home: Home, server: Running, port: int) -> None:
        def answers() -> bool:
            if not server.alive():
                raise CloudError(f"The {self.name} did not start: {_last_words(home)}")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{self.health}", timeout=5) as response:
                    return bool(response.status == 200)
            except (OSError, urllib.error.URLError):
                return False

        if not until(answers, START_SECONDS):
            raise CloudError(f"The {self.name} did not answer within {START_SECONDS:.0f} s; its log is {home.log}.")


def _refuse_taken_port(port: int) -> None:
    """The last threads of a killed cloud may hold the port for a moment after the process is gone."""
    if not until(lambda: _is_free(port), RELEASE_SECONDS):
        raise CloudError(f"Port {port} on 127.0.0.1 is taken by another program; end it or choose another port.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise CloudError(f"Port {port} may not be opened by this user; choose one above 1023.") from None
        except OSError:
            return False
    return True


def _reap() -> None:
    """Let go of the servers that have ended."""
    for pid in [pid for pid, child in _children.items() if child.poll() is not None]:
        del _children[pid]


def _last_words(home: Home) -> str:
    lines = [line.strip() for line in home.log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else f"no reason in {home.log}"


def end(process: Running) -> None:
    """SIGTERM, then SIGKILL: a balancer keeps open connections for as long as it is let."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not process.alive():
            return
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            return
        if until(lambda: not process.alive(), STOP_SECONDS):
            if process.pid in _children:  # its last threads may outlive it by a moment
                _children.pop(process.pid).wait(STOP_SECONDS)
            return
    raise CloudError(f"Process {process.pid} does not end.")
