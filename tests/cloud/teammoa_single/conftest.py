"""TeamMoa on one host without a balancer, on the local cloud, with v1 released."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloud.project import ROOT, Project

STACK = "teammoa.single-local"
TAGS = {"v1": "good", "v2": "good", "crash": "crash"}


@pytest.fixture(scope="session")
def single(cloud: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The stack with v1 released; destroyed at the end."""
    project = Project(tmp_path_factory.mktemp("single"), cloud, STACK)
    local(project, "localcloud.up.inside", STACK)
    local(project, "localcloud.up.service_images", STACK)
    project.pulumi("stack", "select", "--create", STACK)
    project.pulumi("config", "rm", "infra-release:imageTag")
    project.up()
    for tag, mode in TAGS.items():
        where = ("--repository", project.output("repositoryUrl"), "--push")
        local(project, "localcloud.teammoa.build", "--tag", tag, "--mode", mode, "--version", tag, *where)
    project.release("v1")
    try:
        yield project
    finally:
        project.pulumi("destroy", "--yes")


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


def host_of(project: Project) -> dict[str, Any]:
    """Name, instance and address of the one host."""
    (host,) = project.output("hosts")
    return dict(host)


def machine_of(project: Project) -> str:
    """The container that is the host's computer."""
    return docker("ps", "-q", "--filter", f"label=localcloud.instance={host_of(project)['instance']}").strip()


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], text=True, stdout=subprocess.PIPE, check=True).stdout
