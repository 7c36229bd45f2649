"""The base image of all containers here, made from packages: no image registry is needed."""

import hashlib
import os
import shutil
from pathlib import Path

from localcloud.up import docker
from localcloud.up.job import Job, as_root
from localcloud.up.paths import LOCAL

IMAGE = "infra-release/base:bookworm"
SUITE = "bookworm"
PACKAGES = "ca-certificates,python3"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
WASTE = ("usr/share/doc", "usr/share/locale", "usr/share/man", "usr/share/info", "var/cache/apt", "var/lib/apt/lists")
RECIPE = hashlib.sha256(f"{SUITE} {PACKAGES} {WASTE}".encode()).hexdigest()[:12]


def present() -> bool:
    """Whether the engine holds the image, made by this very recipe."""
    label = docker.output("image", "inspect", "--format", "{{index .Config.Labels `infra-release.recipe`}}", IMAGE)
    return label == RECIPE


def build(job: Job) -> None:
    """Bootstrap a small Debian with Python and import it as an image."""
    root = LOCAL / "base"
    job.run(*as_root("rm", "-rf", str(root)), failure=f"cannot remove {root}")
    root.mkdir(parents=True)
    files, archive = root / "files", root / "files.tar"
    keyring = (f"--keyring={KEYRING}",) if KEYRING.exists() else ()
    job.say(f"bootstrapping Debian {SUITE}")
    job.run(
        *as_root("debootstrap", "--variant=minbase", f"--include={PACKAGES}", *keyring, SUITE, str(files)),
        failure="the base image cannot be bootstrapped",
    )
    for waste in WASTE:
        job.run(*as_root("find", str(files / waste), "-mindepth", "1", "-delete"), failure=f"cannot empty {waste}")
    job.run(
        *as_root("tar", "--numeric-owner", "-C", str(files), "-cf", str(archive), "."),
        failure="cannot pack the base image",
    )
    job.say("importing it into Docker")
    changes = (
        f"LABEL infra-release.recipe={RECIPE}",
        "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    )
    options = [word for change in changes for word in ("--change", change)]
    job.run(
        "docker",
        "import",
        *options,
        str(archive),
        IMAGE,
        env=docker.environment(),
        failure="Docker does not accept the base image",
    )
    if os.geteuid() == 0:
        shutil.rmtree(root)
    else:
        job.run(*as_root("rm", "-rf", str(root)), failure=f"cannot remove {root}")
