"""TeamMoa on the local cloud: two web hosts and a data host that really boot, with v1 released."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.cloud.project import ROOT, Project
from tests.cloud.session import LocalSession
from tests.cloud.teammoa.fleet import Fleet

STACK = "teammoa.local"
TAGS = {
    "v1": "good",
    "v2": "good",
    "v3": "good",
    "crash": "crash",
    "health-500": "health-500",
    "health-lies": "health-lies",
    "health-flaps": "health-flaps",
    "never-listens": "never-listens",
    "migrate-fails": "migrate-fails",
    "arm64": "arm64",
}
DRAIN_SECONDS = 10  # open WebSockets use it up at every host
ACCESS = os.environ.get("TEAMMOA_ACCESS", "ssh")  # the whole folder may be run over SSM


@pytest.fixture(scope="session")
def teammoa(cloud: dict[str, str], aws: LocalSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """The stack with its infrastructure, all images pushed, and v1 released; destroyed at the end."""
    project = Project(tmp_path_factory.mktemp("teammoa"), cloud, STACK)
    supply(project)
    project.pulumi("stack", "select", "--create", STACK)
    project.pulumi("config", "rm", "infra-release:imageTag")
    project.set("access.method", ACCESS)
    project.set("rolling.drainSeconds", str(DRAIN_SECONDS))
    project.up()
    repository = project.output("repositoryUrl")
    for tag, mode in TAGS.items():
        push_image(project, repository, tag, mode)
    project.release("v1")
    try:
        yield Fleet(project, aws)
    finally:
        project.pulumi("destroy", "--yes", check=False)


def supply(project: Project) -> None:
    """What `make up` puts into the cloud before the stack: secrets, a certificate, the services' images."""
    local(project, "localcloud.up.inside", STACK)
    local(project, "localcloud.up.service_images", STACK)


def push_image(project: Project, repository: str, tag: str, mode: str) -> None:
    arguments = ("--tag", tag, "--mode", mode, "--version", tag, "--repository", repository, "--push")
    local(project, "localcloud.teammoa.build", *arguments)


def local(project: Project, module: str, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=project.environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture
def released(teammoa: Fleet) -> Fleet:
    """The fleet at rest on a verified good version, fully in service, whatever the test before did."""
    tag = teammoa.project.output("imageTag")
    if tag not in ("v1", "v2") or f"imageTag: {tag}" not in teammoa.project.config() or not teammoa.whole():
        teammoa.project.run("python", "-m", "ops.unlock", STACK)
        teammoa.project.release("v1")
    return teammoa


@pytest.fixture
def now(released: Fleet) -> str:
    """The tag that is in service."""
    return str(released.project.output("imageTag"))


@pytest.fixture
def other(now: str) -> str:
    """A good tag that is not in service."""
    return "v2" if now == "v1" else "v1"
