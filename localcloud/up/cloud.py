"""The servers that run in the background for the local stacks, seen from outside: start, stop, the way to them."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from localcloud.up import docker
from localcloud.up.job import Job, StepFailed
from localcloud.up.paths import BIN, CLOUD, LOCAL, PYTHON, ROOT

START_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Server:
    """One of them: `python -m MODULE start|status|stop --home HOME`; `start` prints the variables that lead to it.

    `start` may be called at any time: it leaves a running server alone.
    """

    name: str
    module: str
    home: Path
    options: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()  # set-up steps before it starts, besides those that all have

    def running(self) -> bool:
        """Whether it answers."""
        return PYTHON.exists() and self.home.exists() and self._do("status").returncode == 0

    def start(self, job: Job) -> None:
        """Start it in the background; StepFailed says what is in the way, such as a taken port."""
        job.say(f"starting the {self.name}")
        code, _ = job.attempt(*self._command("start", *self.options), env=_changes(), seconds=START_SECONDS)
        if code != 0:
            raise StepFailed(job.last_line())

    def variables(self) -> dict[str, str]:
        """The variables that lead to it; none when it does not run."""
        if not self.running():
            return {}
        done = self._do("start", *self.options)
        if done.returncode != 0:
            raise StepFailed(f"the {self.name} does not tell how to reach it: {done.stderr.strip()}")
        return {str(name): str(value) for name, value in json.loads(done.stdout).items()}

    def stop(self) -> bool:
        """End it with all it started, and forget what it held; False when there was none."""
        if not self.home.exists():
            return False
        if PYTHON.exists() and self._do("stop").returncode != 0:
            raise StepFailed(f"the {self.name} could not be stopped; what it held is still in {self.home}")
        shutil.rmtree(self.home)
        return True

    def _do(self, word: str, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._command(word, *options),
            cwd=ROOT,
            env={**os.environ, **_changes()},
            capture_output=True,
            text=True,
        )

    def _command(self, word: str, *options: str) -> tuple[str, ...]:
        return (str(PYTHON), "-m", self.module, word, "--home", str(self.home), *options)


def _changes() -> dict[str, str]:
    """Our own engine, and our own copy of the balancer's program when there is one."""
    return {**docker.environment(), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


AWS = Server(name="local cloud", module="localcloud.aws", home=CLOUD, options=("--port", "4566"))
ASTRAGO = Server(name="git, registry and Argo CD", module="localcloud.astrago", home=LOCAL / "astrago")
OPENSTACK = Server(
    name="OpenStack cloud",
    module="localcloud.openstack",
    home=LOCAL / "openstack",
    options=("--port", "4590"),
    needs=("server image",),
)
SERVERS = (AWS, ASTRAGO, OPENSTACK)
