"""The image that CodeBuild's own stand for on the local cloud: Debian with Node.js, npm, git and boto3."""

import base64
import hashlib
import os
import shutil
import tarfile
import urllib.request
from pathlib import Path

from localcloud.up.assembled import assemble
from localcloud.up.debian import DebianImage, recipe_of
from localcloud.up.job import Job, StepFailed
from localcloud.up.paths import LOCAL, PYTHON

IMAGE = "infra-release/build:bookworm"
CONTEXT = LOCAL / "build-image"
BASE = DebianImage(
    name="infra-release/build-base:bookworm",
    packages=("ca-certificates", "python3", "git", "nodejs"),
)
NPM_VERSION = "10.9.4"  # the last that runs on Debian's Node.js
NPM_INTEGRITY = "OnUG836FwboQIbqtefDNlyR0gTHzIfwRfE3DuiNewBvnMnWEpB0VEXwBlFVgqpNzIgYo/MHh3d2Hel/pszapAA=="  # SHA-512
REGISTRY = "https://registry.npmjs.org"  # npm's own default
LIBRARIES = ("boto3==1.43.106", "requests==2.34.2")
DOCKERFILE = f"""FROM {BASE.name}
COPY npm /usr/local/lib/node_modules/npm
COPY python /usr/local/lib/python3.11/dist-packages
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \\
 && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx \\
 && chmod +x /usr/local/lib/node_modules/npm/bin/*.js
"""


def recipe() -> str:
    """Changes with everything that decides the content."""
    return hashlib.sha256(f"{BASE.recipe} {NPM_INTEGRITY} {LIBRARIES} {DOCKERFILE}".encode()).hexdigest()[:12]


def present() -> bool:
    """Whether the engine holds the image, made by this very recipe."""
    return recipe_of(IMAGE) == recipe()


def build(job: Job) -> None:
    """Put npm and the libraries of a release onto its base."""
    shutil.rmtree(CONTEXT, ignore_errors=True)
    CONTEXT.mkdir(parents=True)
    job.say(f"fetching npm {NPM_VERSION}")
    _npm(CONTEXT)
    job.run(
        *(PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"),
        *("--only-binary", ":all:", "--target", str(CONTEXT / "python"), *LIBRARIES),
        failure="the libraries of a release cannot be fetched",
    )
    (CONTEXT / "Dockerfile").write_text(DOCKERFILE)
    assemble(job, IMAGE, recipe(), CONTEXT)
    shutil.rmtree(CONTEXT)


def _npm(context: Path) -> None:
    """npm as its registry has it, checked by its integrity."""
    registry = os.environ.get("npm_config_registry", REGISTRY).rstrip("/")
    archive = context / "npm.tgz"
    try:
        with urllib.request.urlopen(f"{registry}/npm/-/npm-{NPM_VERSION}.tgz", timeout=60) as answer:  # noqa: S310
            archive.write_bytes(answer.read())
    except OSError as error:
        raise StepFailed(f"npm {NPM_VERSION} cannot be fetched from {registry}: {error}") from error
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != NPM_INTEGRITY:
        raise StepFailed(f"npm {NPM_VERSION} from {registry} is not the one that was published: {found}")
    with tarfile.open(archive) as files:
        files.extractall(context, filter="data")
    (context / "package").rename(context / "npm")
    archive.unlink()
