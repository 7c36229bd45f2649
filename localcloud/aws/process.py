"""Start and stop a local cloud in the background. Both may be called at any time, any number of times."""

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from localcloud.aws.authority import Authority
from localcloud.aws.containers import remove_containers
from localcloud.aws.home import CloudError, Home, Running, environment
from localcloud.polling import until as until

START_SECONDS = 30.0
STOP_SECONDS = 20.0
RELEASE_SECONDS = 2.0
REPOSITORY = Path(__file__).parents[2]
_children: dict[int, subprocess.Popen[bytes]] = {}  # servers this process has started: to be reaped when they end


def start(home: Path, port: int = 4566) -> dict[str, str]:
    """Have a cloud answering on `port` and return the variables to export.

    Raises CloudError when the port is taken, the cloud of this home has another port, or the server does not come up.
    """
    place = Home(home)
    with place.lock():
        identity = place.identity()
        server = place.running("server")
        if server is not None and server.port != port:
            raise CloudError(f"The local cloud in {home} already runs on port {server.port}, not {port}.")
        if server is None:
            _refuse_taken_port(port)
            server = _spawn(place, port)
        _await_answer(place, server, port)
        return environment(identity, port, Authority(place.authority).bundle())


def stop(home: Path) -> None:
    """End the processes and containers of this home's cloud, and nothing else; its identity and log stay."""
    place = Home(home)
    if not place.known():
        return
    with place.lock():
        for name in ("server", "haproxy"):
            process = place.running(name)
            if process is not None:
                end(process)
            place.forget(name)
        remove_containers(place.identity().cloud_id)


def status(home: Path) -> Running | None:
    """The running server, or None."""
    return Home(home).running("server")


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


def _spawn(home: Home, port: int) -> Running:
    command = [sys.executable, "-m", "localcloud.aws", "serve", "--home", str(home.root), "--port", str(port)]
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
        raise CloudError(f"The local cloud ended at once: {_last_words(home)}")
    return server


def _reap() -> None:
    """Let go of the servers that have ended."""
    for pid in [pid for pid, child in _children.items() if child.poll() is not None]:
        del _children[pid]


def _await_answer(home: Home, server: Running, port: int) -> None:
    def answers() -> bool:
        if not server.alive():
            raise CloudError(f"The local cloud did not start: {_last_words(home)}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=5) as response:
                return bool(response.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    if not until(answers, START_SECONDS):
        raise CloudError(f"The local cloud did not answer within {START_SECONDS:.0f} s; its log is {home.log}.")


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
    raise CloudError(f"Process {process.pid} of the local cloud does not end.")
