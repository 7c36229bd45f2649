"""The image that servers of the local OpenStack cloud boot: a Debian with SSH, cloud-init and a time service."""

import shutil

from localcloud.up.assembled import assemble, recipe_of_files
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
    return recipe_of_files(SOURCE, BASE.recipe)


def present() -> bool:
    """Whether the engine holds the image, made by this very recipe."""
    return recipe_of(IMAGE) == recipe()


def build(job: Job) -> None:
    """Put the servers' own configuration onto its base."""
    shutil.rmtree(CONTEXT, ignore_errors=True)
    shutil.copytree(SOURCE, CONTEXT)
    job.say("building it")
    assemble(job, IMAGE, recipe(), CONTEXT)
    shutil.rmtree(CONTEXT)
