"""Build the images of a sample application and push them: one base of layers, one layer for each version."""

import argparse
import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LOCAL = Path(__file__).resolve().parents[1] / ".local"
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")


class BuildFailed(Exception):
    """The image could not be built or pushed; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Application:
    """What the images of one sample application are made of."""

    name: str  # of its build context in `.local`
    files: Mapping[str, Path]  # name in the context → the file or directory to copy
    requirements: Path
    packages: str  # the directory of the context that holds what pip fetched
    fetch: tuple[str, ...]  # pip's words before `packages`
    modes: tuple[str, ...]
    build_arguments: tuple[str, ...] = ()

    @property
    def context(self) -> Path:
        """The directory that `docker build` is given."""
        return LOCAL / self.name

    def build(self, *, repository: str, tag: str, version: str | None = None, mode: str = "good") -> str:
        """Build `repository:tag` and return that name; equal arguments give an equal image."""
        if mode not in self.modes:
            raise ValueError(f"mode is {mode!r}, not one of {', '.join(self.modes)}")
        self.prepare()
        image = f"{repository}:{tag}"
        values = (*self.build_arguments, f"VERSION={version or tag}", f"MODE={mode}")
        build_image(self.context, image, *(word for value in values for word in ("--build-arg", value)))
        return image

    def prepare(self) -> None:
        """Lay out the build context: the sources, and packages by the host's pip: a build has no network."""
        self.context.mkdir(parents=True, exist_ok=True)
        for name, source in self.files.items():
            _copy(source, self.context / name)
        wanted = hashlib.sha256(self.requirements.read_bytes() + repr(self.fetch).encode()).hexdigest()
        stamp = self.context / f"{self.packages}.stamp"
        if stamp.exists() and stamp.read_text() == wanted:
            return
        with tempfile.TemporaryDirectory(dir=self.context) as directory:
            run(*PIP, *self.fetch, directory, "--requirement", str(self.requirements))
            shutil.rmtree(self.context / self.packages, ignore_errors=True)
            Path(directory).chmod(0o755)
            shutil.copytree(directory, self.context / self.packages)
        stamp.write_text(wanted)

    def command(self, arguments: Sequence[str] | None, program: str) -> int:
        """The command line; 1 and one sentence when Docker or the registry refuses."""
        parser = argparse.ArgumentParser(prog=f"python -m {program}", description=f"Build the {self.name} service.")
        parser.add_argument("--repository", required=True, help="for example localhost:4566/liveinsight-app")
        parser.add_argument("--tag", required=True)
        parser.add_argument("--version", help="what the service says it is; the tag unless given")
        parser.add_argument("--mode", default="good", choices=self.modes)
        parser.add_argument("--push", action="store_true")
        chosen = parser.parse_args(arguments)
        try:
            image = self.build(repository=chosen.repository, tag=chosen.tag, version=chosen.version, mode=chosen.mode)
            if chosen.push:
                push(image)
        except BuildFailed as error:
            print(f"{self.name} image: {error}", file=sys.stderr)
            return 1
        print(image)
        return 0


def build_image(context: Path, image: str, *options: str) -> None:
    """`docker build` with the builder inside the engine: it needs no plugin, and finds the local base image."""
    run("docker", "build", "--quiet", *options, "--tag", image, str(context), env={"DOCKER_BUILDKIT": "0"})


def push(*images: str) -> None:
    """Push images to the registry in their names, with the credentials ECR gives to the caller."""
    with tempfile.TemporaryDirectory() as directory:  # docker login would write the password into the user's own file
        user, password = _credentials()
        config = {"DOCKER_CONFIG": directory}
        for registry in {image.split("/")[0] for image in images}:
            run("docker", "login", "--username", user, "--password-stdin", registry, env=config, stdin=password)
        for image in images:
            run("docker", "push", "--quiet", image, env=config)


def run(*argv: str, env: Mapping[str, str] | None = None, stdin: str = "") -> str:
    """A program's output; BuildFailed carries the last thing it said."""
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, env={**os.environ, **(env or {})})
    if done.returncode != 0:
        output = (done.stderr or done.stdout).strip().splitlines()
        raise BuildFailed(f"{' '.join(argv[:2])}: {output[-1] if output else f'exit code {done.returncode}'}")
    return done.stdout


def _copy(source: Path, copy: Path) -> None:
    """Copy what differs: an untouched file keeps its time, and the layers made of it."""
    if source.is_dir():
        wanted = {path.relative_to(source) for path in source.rglob("*") if path.is_file() and path.suffix != ".pyc"}
        for path in [path for path in copy.rglob("*") if path.is_file() and path.relative_to(copy) not in wanted]:
            path.unlink()
        for name in wanted:
            _copy(source / name, copy / name)
    elif not copy.exists() or copy.read_bytes() != source.read_bytes():
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, copy)


def _credentials() -> tuple[str, str]:
    import boto3  # for pushing only

    answer = boto3.client("ecr", region_name=os.environ["AWS_REGION"]).get_authorization_token()
    token = base64.b64decode(answer["authorizationData"][0]["authorizationToken"])
    user, _, password = token.decode().partition(":")
    return user, password
