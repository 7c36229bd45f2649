"""The image that servers of the local OpenStack cloud boot: a Debian with SSH, cloud-init and a time service."""

import hashlib
import os
import shutil

from localcloud.up import docker
from localcloud.up.debian import DebianImage, recipe_of
from localcloud.up.job import Job
from localcloud.up.paths import LOCAL, ROOT

IMAGE = "infra-release/server:bookworm"
SOURCE = ROOT / "localcloud" / "openstack" / "machine"
CONTEXT = LOCAL / "server"
BASE = DebianImage(
    name="infra-release/server-base:bookworm",
    packages=(
        *("systemd", "systemd-sysv", "dbus", "openssh-server", "sudo", "procps", "iproute2", "netbase"),
        *("cloud-init", "python3-cffi-backend"),  # the second: without it debootstrap leaves the first unconfigured
        *("chrony", "ca-certificates", "curl", "rsync", "unzip", "python3", "python3-venv"),
    ),
)


def recipe() -> str:
    """Changes with everything that decides the content."""
    found = hashlib.sha256(BASE.recipe.encode())
    for file in sorted(path for path in SOURCE.rglob("*") if path.is_file()):
        found.update(f"{file.relative_to(SOURCE)} {os.access(file, os.X_OK)}\n".encode() + file.read_bytes())
    return found.hexdigest()[:12]


def present() -> bool:
    """Whether the engine holds the image, made by this very recipe."""
    return recipe_of(IMAGE) == recipe()


def build(job: Job) -> None:
    """Put the servers' own configuration onto its base."""
    shutil.rmtree(CONTEXT, ignore_errors=True)
    shutil.copytree(SOURCE, CONTEXT)
    job.say("building it")
    job.run(
        *("docker", "build", "--quiet", "--label", f"infra-release.recipe={recipe()}", "--tag", IMAGE, CONTEXT),
        # The builder inside the engine: it needs no plugin and looks for the base among the local images.
        env={**docker.environment(), "DOCKER_BUILDKIT": "0"},
        failure=f"{IMAGE} cannot be built",
    )
    shutil.rmtree(CONTEXT)
