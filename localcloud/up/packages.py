"""Debian and Ubuntu packages: only those whose program is missing."""

import importlib.util
import os
import re
import shutil
from pathlib import Path

from localcloud.up import docker
from localcloud.up.job import Job, StepFailed, as_root, wait_until

# program → the package that brings it
PROGRAMS = {
    "docker": "docker.io",
    "dockerd": "docker.io",
    "iptables": "iptables",
    "haproxy": "haproxy",
    "debootstrap": "debootstrap",
    "git": "git",
}
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OPTIONS = ("-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3", "--yes", "--no-install-recommends")


def missing() -> tuple[str, ...]:
    """The packages to install; dockerd only when no engine answers."""
    engine = docker.answers()
    packages = {
        package
        for program, package in PROGRAMS.items()
        if not _found(program) and not (engine and program in ("dockerd", "iptables"))
    }
    if importlib.util.find_spec("ensurepip") is None:
        packages.add("python3-venv")
    if os.geteuid() != 0 and not _found("setcap"):
        packages.add("libcap2-bin")
    if not Path("/etc/ssl/certs/ca-certificates.crt").exists():
        packages.add("ca-certificates")
    if "debootstrap" in packages and _ubuntu():
        packages.add("debian-archive-keyring")  # to know Debian's signature on the base image's packages
    return tuple(sorted(packages))


def install(job: Job) -> None:
    """Install what is missing; look for newer package lists only when the present ones do not do."""
    packages = missing()
    if shutil.which("apt-get") is None:
        raise StepFailed(f"install {', '.join(packages)} first: only Debian and Ubuntu are set up automatically")
    job.say(f"installing {', '.join(packages)}")
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    command = as_root("apt-get", "install", *OPTIONS, *packages)
    if job.attempt(*command, env=environment)[0] == 0:
        return _settle(packages)
    job.attempt(*as_root("apt-get", "update", "-o", "Acquire::Retries=3"), env=environment)
    job.run(*command, env=environment, failure=f"apt-get cannot install {', '.join(packages)}")
    return _settle(packages)


def _settle(packages: tuple[str, ...]) -> None:
    """Where the package starts the engine as a service, wait for it: a second engine beside it would be in its way."""
    if "docker.io" in packages and Path("/run/systemd/system").exists():
        wait_until(docker.answers, 15)


def _found(program: str) -> bool:
    return shutil.which(program) is not None


def _ubuntu() -> bool:
    release = Path("/etc/os-release")
    return release.exists() and re.search(r"^ID(_LIKE)?=.*ubuntu", release.read_text(), re.MULTILINE) is not None
