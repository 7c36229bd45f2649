"""Build the image of a commit once: tags `<commit>` and `latest`, pushed to the stack's repository.

python -m ops.build_image STACK --commit SHA [--version NAME] [--tell]

Prints the tag, or nothing when the system has no application in this checkout. An image that is already in the registry
is not built again: a commit has one image for ever. A version is one more name of the commit's image.
"""

import argparse
import base64
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from ops import engine
from ops.errors import OpsError, run_command, say
from ops.images import Image, image_of
from ops.project import load_project

VERSION = re.compile(r"v\d+\.\d+\.\d+(?:[.-][A-Za-z0-9][A-Za-z0-9.-]{0,99})?")
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
        # The newest image's layers are used again; the argument makes BuildKit note how this one's came about.
        cache = ("--cache-from", latest, "--build-arg", "BUILDKIT_INLINE_CACHE=1")
        _docker(
            environment, "build", "--platform", image.platform, *cache, "--tag", tag, "--tag", latest, image.context
        )
        _docker(environment, "push", latest)
        _docker(environment, "push", tag)


def name_version(repository_url: str, commit: str, version: str, ecr: Any) -> None:
    """Let the version name the commit's image; OpsError when it names another: a version is never moved."""
    name = repository_url.partition("/")[2]
    images = ecr.batch_get_image(repositoryName=name, imageIds=[{"imageTag": commit}])["images"]
    if not images:
        raise OpsError(f"{repository_url} has no image of {commit}")
    try:
        ecr.put_image(repositoryName=name, imageManifest=images[0]["imageManifest"], imageTag=version)
    except ecr.exceptions.ImageAlreadyExistsException:
        say(f"{repository_url}:{version} is already there: nothing to name")
    except ecr.exceptions.ImageTagAlreadyExistsException:
        raise OpsError(f"{repository_url}:{version} is the image of another commit: choose a new version") from None


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
    parser.add_argument("--version", default="", help="one more name of the commit's image, like v1.2.3")
    parser.add_argument("--tell", action="store_true", help="build nothing: only print the tag the commit's image has")
    options = parser.parse_args(arguments)
    project = load_project()
    stack = project.stack(options.stack)
    image = image_of(stack.system, project.root)
    if options.version and not VERSION.fullmatch(options.version):
        raise OpsError(f"{options.version!r} is not a version: it has the form v1.2.3")
    tag = options.version or options.commit
    if image is None:
        say(f"{stack.system} has no application in this checkout: nothing to build")
        return 0
    if options.tell:
        print(tag)
        return 0
    outputs = engine.ask_json("stack", "output", "--json", "--stack", stack.name)
    if "repositoryUrl" not in outputs:
        raise OpsError(
            f"{stack.name} has no repository yet: run `pulumi up --stack {stack.name}` once without an imageTag"
        )
    url = str(outputs["repositoryUrl"])
    try:
        ecr = boto3.client("ecr", region_name=region_of(url))
        build_once(image, url, options.commit, ecr)
        if options.version:
            name_version(url, options.commit, tag, ecr)
    except (BotoCoreError, ClientError) as error:
        raise OpsError(f"the registry of {stack.name} refused: {error}") from error
    print(tag)
    return 0


if __name__ == "__main__":
    run_command(main)
