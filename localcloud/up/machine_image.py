"""The image of the local cloud's machines: a Debian that boots, with an SSH server, a Docker engine and the AWS CLI."""

import shutil
from pathlib import Path

from localcloud.up.assembled import assemble, recipe_of_files
from localcloud.up.debian import DebianImage, recipe_of
from localcloud.up.job import Job
from localcloud.up.paths import LOCAL, PYTHON, ROOT
from localcloud.up.toolchain import COMPOSE_PROGRAM, COMPOSE_VERSION

IMAGE = "infra-release/machine:bookworm"
SOURCE = ROOT / "localcloud" / "machine"
CONTEXT = LOCAL / "machine"
BASE = DebianImage(
    name="infra-release/machine-base:bookworm",
    packages=(
        *("systemd", "systemd-sysv", "dbus", "openssh-server", "sudo", "procps", "iproute2", "netbase"),
        "libnss-myhostname",  # for bucket.localhost, as S3's clients name it
        *("docker.io", "iptables", "ca-certificates", "curl", "python3"),
    ),
)


def recipe() -> str:
    """Changes with everything that decides the content."""
    return recipe_of_files(SOURCE, BASE.recipe, COMPOSE_VERSION)


def present() -> bool:
    """Whether the engine holds the image, made by this very recipe."""
    return recipe_of(IMAGE) == recipe()


def build(job: Job) -> None:
    """Put the AWS CLI, docker compose and the machine's own services onto its base."""
    shutil.rmtree(CONTEXT, ignore_errors=True)
    shutil.copytree(SOURCE, CONTEXT)
    shutil.copy(COMPOSE_PROGRAM, CONTEXT / "docker-compose")
    job.say("fetching the AWS CLI")
    _fetch_aws_cli(job, CONTEXT / "aws-cli")
    job.say("building it")
    assemble(job, IMAGE, recipe(), CONTEXT)
    shutil.rmtree(CONTEXT)


def _fetch_aws_cli(job: Job, target: Path) -> None:
    job.run(
        *(PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps"),
        *("--only-binary", ":all:", "--python-version", "3.11", "--target", target),  # bookworm's Python, not ours
        *("--requirement", SOURCE / "requirements.txt"),
        failure="pip cannot fetch the AWS CLI",
    )
    shutil.rmtree(target / "awscli" / "examples")
