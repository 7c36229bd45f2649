"""The local cloud's process, seen from outside: start, stop, the variables that lead to it."""

import json
import os
import shutil
import subprocess

from localcloud.up import docker
from localcloud.up.job import Job, StepFailed
from localcloud.up.paths import BIN, CLOUD, PYTHON, ROOT

PORT = 4566
START_SECONDS = 120.0


def _command(word: str, *options: str) -> tuple[str, ...]:
    return (str(PYTHON), "-m", "localcloud.aws", word, "--home", str(CLOUD), *options)


def _environment() -> dict[str, str]:
    return {**os.environ, **_changes()}


def _changes() -> dict[str, str]:
    """Our own engine, and our own copy of the balancer's program when there is one."""
    return {**docker.environment(), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


def running() -> bool:
    """Whether the local cloud answers."""
    if not (PYTHON.exists() and CLOUD.exists()):
        return False
    return subprocess.run(_command("status"), cwd=ROOT, env=_environment(), capture_output=True).returncode == 0


def start(job: Job) -> None:
    """Start it in the background; StepFailed says what is in the way, such as a taken port."""
    job.say(f"starting the local cloud on port {PORT}")
    code, _ = job.attempt(*_command("start", "--port", str(PORT)), env=_changes(), seconds=START_SECONDS)
    if code != 0:
        raise StepFailed(job.last_line())


def variables() -> dict[str, str]:
    """The variables that lead to the running cloud; none when it does not run."""
    if not running():
        return {}
    done = subprocess.run(
        _command("start", "--port", str(PORT)), cwd=ROOT, env=_environment(), capture_output=True, text=True
    )
    if done.returncode != 0:
        raise StepFailed(f"the local cloud does not tell how to reach it: {done.stderr.strip()}")
    found = json.loads(done.stdout)
    return {str(name): str(value) for name, value in found.items()}


def stop() -> bool:
    """End it with its containers and balancer, and forget what it held; False when there was none."""
    if not CLOUD.exists():
        return False
    if PYTHON.exists():
        done = subprocess.run(_command("stop"), cwd=ROOT, env=_environment(), stdout=subprocess.DEVNULL)
        if done.returncode != 0:
            raise StepFailed(f"the local cloud could not be stopped; what it held is still in {CLOUD}")
    shutil.rmtree(CLOUD)
    return True
