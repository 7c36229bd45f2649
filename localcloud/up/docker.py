"""The Docker engine: the one that answers, or one of our own with its data in `.local/docker`."""

import os
import re
import signal
import subprocess
from pathlib import Path

from localcloud.up.job import Job, StepFailed, as_root, wait_until
from localcloud.up.paths import DOCKER, LOGS

SOCKET = DOCKER / "docker.sock"
COMMON_SOCKET = Path("/var/run/docker.sock")
PID_FILE = DOCKER / "dockerd.pid"
LOG = LOGS / "dockerd.log"
START_SECONDS = 30.0
STOP_SECONDS = 30.0
SOCKET_LIMIT = 100  # the kernel takes 107 bytes; a few for the names dockerd appends


def environment() -> dict[str, str]:
    """What a Docker client needs to find the engine: nothing, unless the engine is our own."""
    return {"DOCKER_HOST": f"unix://{SOCKET}"} if own_pid() else {}


def output(*arguments: str) -> str | None:
    """What `docker ARGUMENTS` prints; None when it fails or there is no Docker."""
    try:
        done = subprocess.run(
            ["docker", *arguments], capture_output=True, text=True, env={**os.environ, **environment()}, timeout=20
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def answers() -> bool:
    """Whether an engine, ours or another, answers."""
    return output("version", "--format", "{{.Server.Version}}") is not None


def own_pid() -> int | None:
    """The process id of our own dockerd while it runs."""
    try:
        pid = int(PID_FILE.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
    except (OSError, ValueError):
        return None
    return pid if "dockerd" in command and str(DOCKER) in command else None


def start(job: Job) -> None:
    """Start an engine of our own; get around what container hosts lack (nf_tables, overlay mounts)."""
    if len(str(SOCKET)) > SOCKET_LIMIT:
        raise StepFailed(f"Docker cannot start: the path of its socket is too long ({SOCKET}); use a shorter directory")
    if COMMON_SOCKET.exists() and not os.access(COMMON_SOCKET, os.R_OK | os.W_OK):
        raise StepFailed(f"a Docker engine runs, but this user may not use it: join the group of {COMMON_SOCKET}")
    DOCKER.mkdir(parents=True, exist_ok=True)
    job.say("starting a Docker engine of our own")
    reason = _launch(job)
    legacy = None
    if reason and re.search(r"iptables|nf_tables|NAT chain", reason) and (legacy := _legacy_iptables(job)):
        job.say("again, with the older iptables")
        reason = _launch(job, path=legacy)
    if reason and re.search(r"graphdriver|storage|overlay", reason, re.IGNORECASE):
        job.say("again, with plain file copies as storage")
        reason = _launch(job, "--storage-driver=vfs", path=legacy)
    if reason:
        raise StepFailed(f"Docker cannot start: {reason}, see {LOG}")


def _launch(job: Job, *options: str, path: Path | None = None) -> str:
    """Start dockerd; the reason when it does not answer in time, else nothing."""
    command = (
        "dockerd",
        f"--host=unix://{SOCKET}",
        f"--data-root={DOCKER / 'data'}",
        f"--exec-root={DOCKER / 'exec'}",
        f"--pidfile={PID_FILE}",
        f"--group={os.getgid()}",
        *options,
    )
    variables = dict(os.environ)
    if path:
        variables["PATH"] = f"{path}:{variables['PATH']}"
    privileged = [str(part) for part in as_root("env", f"PATH={variables['PATH']}", *command)]
    job.note("$ " + " ".join(privileged))
    with LOG.open("wb") as log, open(os.devnull, "rb") as nothing:
        # Its own session: it outlives this program, and a ^C meant for us does not reach it.
        daemon = subprocess.Popen(
            privileged, stdin=nothing, stdout=log, stderr=log, env=variables, start_new_session=True
        )
    wait_until(lambda: daemon.poll() is not None or answers(), START_SECONDS)
    if daemon.poll() is None and answers():
        return ""
    reason = _reason(LOG.read_text(errors="replace"))
    if daemon.poll() is None:
        stop()
    return reason


def _reason(log: str) -> str:
    """The last complaint in dockerd's log, without its timestamps."""
    lines = [line for line in log.splitlines() if line.strip()]
    fatal = [
        line
        for line in lines
        if re.search(r"level=fatal|level=error|failed to start daemon|not permitted|denied", line)
    ]
    last = (fatal or lines or ["it says nothing"])[-1]
    message = re.search(r'msg="((?:[^"\\]|\\.)*)"', last)
    return (message.group(1) if message else last).strip().rstrip(".")


def _legacy_iptables(job: Job) -> Path | None:
    """A directory in which `iptables` is the one that needs no nf_tables; None when the machine has none."""
    directory = DOCKER / "legacy"
    directory.mkdir(exist_ok=True)
    for name in ("iptables", "ip6tables"):
        legacy = Path(f"/usr/sbin/{name}-legacy")
        if not legacy.exists():
            job.note(f"{legacy} is missing")
            return None
        link = directory / name
        link.unlink(missing_ok=True)
        link.symlink_to(legacy)
    return directory


def stop() -> bool:
    """End our own engine, and no other; False when none was running."""
    pid = own_pid()
    if pid is None:
        return False
    _kill(pid, signal.SIGTERM)
    if not wait_until(lambda: own_pid() is None, STOP_SECONDS):
        _kill(pid, signal.SIGKILL)
        if not wait_until(lambda: own_pid() is None, STOP_SECONDS):
            raise StepFailed(f"the Docker engine of process {pid} does not end")
    return True


def _kill(pid: int, number: signal.Signals) -> None:
    if os.geteuid() == 0:
        os.kill(pid, number)
    else:
        # The shell's own kill: the program of that name is in a package that may be missing.
        subprocess.run([str(part) for part in as_root("sh", "-c", f"kill -{number.value} {pid}")], check=False)
