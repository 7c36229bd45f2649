"""Build one version of the sample service and push it; `python -m localcloud.sample.build --help` tells how."""

import argparse
import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from localcloud.sample.app import MODES

SOURCE = Path(__file__).resolve().parent
CONTEXT = SOURCE.parents[1] / ".local" / "sample"
FILES = ("Dockerfile", "app.py", "healthcheck.py")


class BuildFailed(Exception):
    """The image could not be built or pushed; the message says why."""


def build(*, repository: str, tag: str, version: str | None = None, mode: str = "good") -> str:
    """Build `repository:tag` and return that name; equal arguments give an equal image."""
    if mode not in MODES:
        raise ValueError(f"mode is {mode!r}, not one of {', '.join(MODES)}")
    prepare()
    image = f"{repository}:{tag}"
    arguments = ("--build-arg", f"VERSION={version or tag}", "--build-arg", f"MODE={mode}")
    # The builder inside the engine: it needs no plugin and looks for the base image among the local ones.
    _docker("build", "--quiet", *arguments, "--tag", image, str(CONTEXT), env={"DOCKER_BUILDKIT": "0"})
    return image


def push(image: str) -> None:
    """Push an image to the registry in its name, with the credentials ECR gives to the caller."""
    with tempfile.TemporaryDirectory() as directory:  # docker login would write the password into the user's own file
        registry = image.split("/")[0]
        user, password = _credentials()
        config = {"DOCKER_CONFIG": directory}
        _docker("login", "--username", user, "--password-stdin", registry, env=config, stdin=password)
        _docker("push", "--quiet", image, env=config)


def prepare() -> None:
    """Lay out the build context: the sources, and the packages unpacked by the host's pip (a build has no network)."""
    CONTEXT.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        content, copy = (SOURCE / name).read_bytes(), CONTEXT / name
        if not copy.exists() or copy.read_bytes() != content:
            copy.write_bytes(content)
    wanted = hashlib.sha256((SOURCE / "requirements.txt").read_bytes()).hexdigest()
    stamp = CONTEXT / "lib.stamp"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    with tempfile.TemporaryDirectory(dir=CONTEXT) as directory:
        _run(
            *(
                sys.executable,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-compile",
                "--no-deps",
            ),
            *("--only-binary", ":all:", "--target", directory, "--requirement", str(SOURCE / "requirements.txt")),
        )
        shutil.rmtree(CONTEXT / "lib", ignore_errors=True)
        Path(directory).chmod(0o755)
        shutil.copytree(directory, CONTEXT / "lib")
    stamp.write_text(wanted)


def _credentials() -> tuple[str, str]:
    import boto3  # for pushing only

    answer = boto3.client("ecr", region_name=os.environ["AWS_REGION"]).get_authorization_token()
    token = base64.b64decode(answer["authorizationData"][0]["authorizationToken"])
    user, _, password = token.decode().partition(":")
    return user, password


def _docker(*arguments: str, env: Mapping[str, str], stdin: str = "") -> str:
    return _run("docker", *arguments, env=env, stdin=stdin)


def _run(*argv: str, env: Mapping[str, str] | None = None, stdin: str = "") -> str:
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, env={**os.environ, **(env or {})})
    if done.returncode != 0:
        output = (done.stderr or done.stdout).strip().splitlines()
        raise BuildFailed(f"{' '.join(argv[:2])}: {output[-1] if output else f'exit code {done.returncode}'}")
    return done.stdout


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 1 and one sentence when Docker or the registry refuses."""
    parser = argparse.ArgumentParser(prog="python -m localcloud.sample.build", description="Build the sample service.")
    parser.add_argument("--repository", required=True, help="for example localhost:4566/liveinsight-app")
    parser.add_argument("--tag", required=True)
    parser.add_argument("--version", help="what the service says it is; the tag unless given")
    parser.add_argument("--mode", default="good", choices=MODES)
    parser.add_argument("--push", action="store_true")
    chosen = parser.parse_args(arguments)
    try:
        image = build(repository=chosen.repository, tag=chosen.tag, version=chosen.version, mode=chosen.mode)
        if chosen.push:
            push(image)
    except BuildFailed as error:
        print(f"sample image: {error}", file=sys.stderr)
        return 1
    print(image)
    return 0


if __name__ == "__main__":
    sys.exit(main())
