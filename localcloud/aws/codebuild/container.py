"""The machine of one build: a container that is thrown away, in which commands run in one shell per phase."""

import os
import shlex
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from localcloud.aws.home import CLOUD_LABEL

STANDARD_IMAGE = "infra-release/build:bookworm"  # stands for every image of CodeBuild's own
SOURCE = "/codebuild/output/src"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")  # the host's: a closed network may have its own authority
SOCKET = "/var/run/docker.sock"
PASSED_ON = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "npm_config_registry")
DOCKER_SECONDS = 120.0
UNPACK = {
    "tar": "tar xf -",
    "zip": "python3 -c 'import io, sys, zipfile; zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read())).extractall()'",
}
# Runs the commands of a phase one after the other in the same shell; what they export reaches the next phase.
SCRIPT = """
cd "$(cat /codebuild/directory)"
[ -f /codebuild/environment ] && . /codebuild/environment
trap 'export -p > /codebuild/environment; pwd > /codebuild/directory' EXIT
"""


class ContainerError(Exception):
    """Docker refused; the text is its last line."""


class BuildContainer:
    """Started, used for one build, removed."""

    def __init__(self, name: str, cloud_id: str) -> None:
        self.name, self._cloud_id = name, cloud_id
        self._stopped = threading.Event()

    def start(self, image: str, environment: Mapping[str, str], *, privileged: bool) -> None:
        """The build's own environment is part of the container, so that every command has it."""
        known = STANDARD_IMAGE if image.startswith("aws/codebuild/") else image
        settings = {**_passed_on(), **environment}
        words = [part for name, value in settings.items() for part in ("--env", name)]
        mounts = ["--volume", f"{CERTIFICATES}:{CERTIFICATES}:ro"] if CERTIFICATES.exists() else []
        if privileged:
            mounts += _engine()
        _docker(
            *("run", "--detach", "--init", "--pull", "never", "--network", "host", "--name", self.name),
            *("--hostname", self.name[-36:]),  # a machine of its own, also for whoever looks at the owner of a lock
            *("--label", f"{CLOUD_LABEL}={self._cloud_id}", *mounts, *words),
            *("--workdir", "/codebuild", known, "sleep", "infinity"),
            environment=settings,
        )
        self.run_quietly(f"mkdir -p {SOURCE} && echo {SOURCE} > /codebuild/directory")

    def run_quietly(self, script: str) -> str:
        """The output of a helper's command."""
        return _docker("exec", self.name, "sh", "-c", script).decode()

    def unpack(self, archive: bytes, directory: str, *, kind: str = "tar") -> None:
        """Put an archive's files into a directory."""
        extract = UNPACK[kind]
        command = f"mkdir -p {shlex.quote(directory)} && cd {shlex.quote(directory)} && {extract}"
        _docker("exec", "--interactive", self.name, "sh", "-c", command, stdin=archive)

    def pack(self, directory: str, names: Sequence[str]) -> bytes:
        """A tar of files below a directory."""
        listed = "\0".join(names).encode()
        return _docker(
            *("exec", "--interactive", self.name, "tar", "--create", "--directory", directory),
            *("--null", "--files-from=-"),
            stdin=listed,
        )

    def execute(self, shell: str, command: str, emit: Callable[[str], None]) -> int:
        """The exit status of one command; every line of its output is passed on as it comes."""
        script = f"{SCRIPT}\n{command}\n"
        process = subprocess.Popen(
            ["docker", "exec", self.name, shell, "-c", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        for line in _lines(process.stdout):
            emit(line)
        return process.wait()

    def remove(self) -> None:
        subprocess.run(["docker", "rm", "--force", "--volumes", self.name], capture_output=True, timeout=DOCKER_SECONDS)


def _passed_on() -> dict[str, str]:
    found = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {**found, "NODE_EXTRA_CA_CERTS": str(CERTIFICATES)} if CERTIFICATES.exists() else found


def _engine() -> list[str]:
    """The way to the host's Docker engine, for builds that make images."""
    host = os.environ.get("DOCKER_HOST", f"unix://{SOCKET}").removeprefix("unix://")
    client = shutil.which("docker")
    return ["--volume", f"{host}:{SOCKET}", *(["--volume", f"{client}:/usr/local/bin/docker:ro"] if client else [])]


def _lines(stream: IO[bytes] | None) -> Iterator[str]:
    for raw in stream or ():
        yield raw.decode("utf-8", "replace").rstrip("\n")


def _docker(*arguments: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None) -> bytes:
    done = subprocess.run(
        ["docker", *arguments],
        input=stdin,
        capture_output=True,
        timeout=DOCKER_SECONDS,
        env={**os.environ, **(environment or {})},
    )
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ContainerError(said[-1] if said else f"docker {arguments[0]} ended {done.returncode}")
    return done.stdout
