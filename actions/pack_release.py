"""Pack what a build made into one release: `python -m actions.pack_release FOLDER`, run by the build after its tests.

A site's files are copied; a container's image is built and pushed once per commit. From here on nothing is built again.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from actions.clients import Clients
from actions.errors import ReleaseError
from actions.packages import release as releases
from actions.packages.release import CONTAINER, SITE, Package, Release
from actions.permissions import refusal
from actions.progress import Progress

TAG_LENGTH = 12  # of a commit, as an image's tag


def pack(folder: Path, environment: Mapping[str, str], progress: Progress) -> Release:
    """The packed release; `ReleaseError` names the package whose build left nothing to deploy."""
    commit = environment.get("CODEBUILD_RESOLVED_SOURCE_VERSION", "")
    if not commit:
        raise ReleaseError("CODEBUILD_RESOLVED_SOURCE_VERSION is not set: a release needs the commit it was built from")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    packages = tuple(
        _package(one, folder, commit, environment, progress) for one in json.loads(environment.get("PACKAGES", "[]"))
    )
    if not packages:
        raise ReleaseError("PACKAGES names no package: there is nothing to release")
    release = Release(commit=commit, packages=packages)
    releases.write(folder, release)
    progress.say(f"packed {', '.join(package.name for package in packages)} as {release.checksum[:12]}")
    return release


def _package(
    declared: dict[str, str], folder: Path, commit: str, environment: Mapping[str, str], progress: Progress
) -> Package:
    name, kind = declared["name"], declared["target"]
    output = Path(declared["path"]) / declared["output"]
    if not output.is_dir() or not any(output.iterdir()):
        raise ReleaseError(f"package {name} has nothing in {output}: its build made no output")
    if kind == SITE:
        shutil.copytree(output, folder / name)
        return Package(name=name, kind=kind, files=releases.files_of(folder / name))
    if kind == CONTAINER:
        repository = json.loads(environment.get("IMAGE_REPOSITORIES", "{}")).get(name)
        if not repository:
            raise ReleaseError(f"IMAGE_REPOSITORIES names no repository for package {name}")
        image = f"{repository}:{commit[:TAG_LENGTH]}"
        digest = _image(image, output, Clients(environment["REGION"]), progress)
        return Package(name=name, kind=kind, files={}, image=image, digest=digest)
    raise ReleaseError(f"package {name} has an unknown kind of target: {kind!r}")


def _image(image: str, context: Path, aws: Clients, progress: Progress) -> str:
    """The digest of the commit's image, built only when the registry has none."""
    repository, tag = image.rpartition(":")[::2]
    name = repository.partition("/")[2]
    found = _digest(aws, name, tag)
    if found:
        progress.say(f"{image} is already there: not built again")
        return found
    with _login(repository.partition("/")[0], aws) as environment:
        _docker(environment, "build", "--build-arg", f"VERSION={tag}", "--tag", image, str(context))
        _docker(environment, "push", "--quiet", image)
    found = _digest(aws, name, tag)
    if not found:
        raise ReleaseError(f"{image} was pushed, but the registry does not know it")
    return found


def _digest(aws: Clients, name: str, tag: str) -> str:
    ecr = aws("ecr")
    try:
        answer = ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": tag}])
    except ecr.exceptions.ImageNotFoundException:
        return ""
    return str(answer["imageDetails"][0]["imageDigest"])


@contextmanager
def _login(registry: str, aws: Clients) -> Iterator[dict[str, str]]:
    """An environment in which docker knows the registry's password: a directory of its own, gone afterwards."""
    token = aws("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, _, password = base64.b64decode(token).decode().partition(":")
    with TemporaryDirectory() as directory:
        environment = {**os.environ, "DOCKER_CONFIG": directory}
        _docker(environment, "login", "--username", user, "--password-stdin", registry, stdin=password)
        yield environment


def _docker(environment: dict[str, str], *arguments: str, stdin: str = "") -> None:
    try:
        done = subprocess.run(["docker", *arguments], env=environment, input=stdin, text=True, stdout=sys.stderr)
    except FileNotFoundError:
        raise ReleaseError("there is no docker in this build's image, and a package is a container") from None
    if done.returncode != 0:
        raise ReleaseError(f"docker {arguments[0]} ended {done.returncode}")


def main(arguments: list[str]) -> int:
    progress = Progress()
    try:
        release: dict[str, Any] = pack(Path(arguments[0]), os.environ, progress).as_dict()
    except ClientError as error:
        progress.say(f"failed: {refusal(error)}")
        return 1
    except (ReleaseError, BotoCoreError, OSError) as error:
        progress.say(f"failed: {error}")
        return 1
    print(json.dumps({key: release[key] for key in ("commit", "checksum")}), flush=True)
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m actions.pack_release FOLDER")
    sys.exit(main(sys.argv[1:]))
