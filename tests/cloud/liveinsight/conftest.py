"""LiveInsight on the local cloud, with v1 released."""

import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.cloud.project import ROOT, Project
from tests.cloud.session import LocalSession

TAGS = {
    "v1": "good",
    "v2": "good",
    "v3": "good",
    "crash": "crash",
    "exit-20": "exit-20",
    "health-500": "health-500",
    "health-lies": "health-lies",
    "never-listens": "never-listens",
    "oom": "oom",
}


@pytest.fixture(scope="session")
def liveinsight(
    cloud: dict[str, str], aws: LocalSession, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """`liveinsight.local` with its infrastructure, all images pushed, and v1 released; destroyed at the end."""
    project = Project(tmp_path_factory.mktemp("liveinsight"), cloud, "liveinsight.local")
    aws.client("ssm").put_parameter(
        Name="/LiveInsight/local/SECRET_KEY", Value="s3cr3t-of-the-tests", Type="SecureString"
    )
    project.pulumi("stack", "select", "--create", "liveinsight.local")
    project.set("createOidcProvider", "true")
    project.set("healthCheck.healthyThreshold", "2")
    project.pulumi("config", "rm", "infra-release:imageTag")
    project.up()
    for tag, mode in TAGS.items():
        push_image(project, tag, mode)
    project.release("v1")
    try:
        yield project
    finally:
        project.pulumi("destroy", "--yes", check=False)


def push_image(project: Project, tag: str, mode: str = "good") -> None:
    registry = urlsplit(project.environment["AWS_ENDPOINT_URL"]).netloc
    repository = f"{registry}/liveinsight-app"
    arguments = ["--tag", tag, "--mode", mode, "--version", tag, "--repository", repository, "--push"]
    done = subprocess.run(
        [sys.executable, "-m", "localcloud.sample.build", *arguments],
        cwd=ROOT,
        env=project.environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture
def released(liveinsight: Project) -> Project:
    """The stack at rest on a verified good version, whatever the test before did."""
    tag = liveinsight.output("imageTag")
    if tag not in ("v1", "v2") or f"imageTag: {tag}" not in liveinsight.config():
        liveinsight.run("python", "-m", "ops.unlock", "liveinsight.local")
        liveinsight.release("v1")
    return liveinsight


@pytest.fixture
def now(released: Project) -> str:
    """The tag that is in service."""
    return str(released.output("imageTag"))


@pytest.fixture
def other(now: str) -> str:
    """A good tag that is not in service."""
    return "v2" if now == "v1" else "v1"
