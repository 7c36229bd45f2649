"""Build the image of a commit once: tags `<commit>` and `latest`, pushed to the stack's repository.

python -m ops.build_image STACK --commit SHA [--tell]

Prints the tag, or nothing when the system has no application in this checkout. An image that is already in the registry
is not built again: a commit has one image for ever.
"""

import argparse
import base64
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from ops import engine
from ops.errors import OpsError, run_command, say
from ops.images import IMAGES, Image
from ops.project import load_project

REPOSITORY_URL = re.compile(r"(?P<registry>[^/]+)/(?P<name>[a-z0-9][a-z0-9._/-]*)")


def build_once(image: Image, repository_url: str, commit: str, ecr: Any) -> None:
    """Push the commit's image unless the registry has it, and let `latest` name it.

    The commit's tag goes last: where it is, `latest` was moved as well, so a run killed between the two is made good by
    the next one.
    """
    parts = REPOSITORY_URL.fullmatch(repository_url)
    if parts is None:
        raise OpsError(f"the output `repositoryUrl` is no repository: {repository_url!r}")
    tag, latest = f"{repository_url}:{commit}", f"{repository_url}:latest"
    with _login(parts["registry"], ecr) as environment:
        if _has_tag(ecr, parts["name"], commit):
            say(f"{tag} is already there: not built again")
            return
        say(f"building {tag} for {image.platform}")
        _docker(environment, "build", "--platform", image.platform, "--tag", tag, "--tag", latest, image.context)
        _docker(environment, "push", latest)
        _docker(environment, "push", tag)


def region_of(repository_url: str) -> str | None:
    """The region in a repository's address, else the environment's: boto3 itself knows only AWS_DEFAULT_REGION."""
    found = re.search(r"\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.", repository_url)
    return found[1] if found else os.environ.get("AWS_REGION")


def _has_tag(ecr: Any, name: str, tag: str) -> bool:
    try:
        ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": tag}])
    except ecr.exceptions.ImageNotFoundException:
        return False
    return True


@contextmanager
def _login(registry: str, ecr: Any) -> Iterator[dict[str, str]]:
    """An environment in which docker knows the registry's password: a directory of its own, gone afterwards."""
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, _, password = base64.b64decode(token).decode().partition(":")
    with tempfile.TemporaryDirectory() as directory:
        environment = {**os.environ, "DOCKER_CONFIG": directory}
        _docker(environment, "login", "--username", user, "--password-stdin", registry, stdin=password)
        yield environment


def _docker(environment: dict[str, str], *arguments: str, stdin: str = "") -> None:
    try:
        answer = subprocess.run(
            ["docker", *arguments], env=environment, input=stdin, text=True, check=False, stdout=2, stderr=None
        )
    except FileNotFoundError:
        raise OpsError("there is no `docker` on PATH") from None
    if answer.returncode != 0:
        raise OpsError(f"`docker {arguments[0]}` failed with code {answer.returncode}: see its lines above")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m ops.build_image", description="Build and push the image of a commit, once."
    )
    parser.add_argument("stack")
    parser.add_argument("--commit", required=True)
    parser.add_argument("--tell", action="store_true", help="build nothing: only print the tag the commit's image has")
    options = parser.parse_args(arguments)
    stack = load_project().stack(options.stack)
    image = IMAGES.get(stack.system)
    if image is None or not (Path(image.context) / "Dockerfile").is_file():
        say(f"{stack.system} has no application in this checkout: nothing to build")
        return 0
    if options.tell:
        print(options.commit)
        return 0
    outputs = engine.ask_json("stack", "output", "--json", "--stack", stack.name)
    if "repositoryUrl" not in outputs:
        raise OpsError(
            f"{stack.name} has no repository yet: run `pulumi up --stack {stack.name}` once without an imageTag"
        )
    try:
        build_once(
            image,
            str(outputs["repositoryUrl"]),
            options.commit,
            boto3.client("ecr", region_name=region_of(outputs["repositoryUrl"])),
        )
    except (BotoCoreError, ClientError) as error:
        raise OpsError(f"the registry of {stack.name} refused: {error}") from error
    print(options.commit)
    return 0


if __name__ == "__main__":
    run_command(main)
