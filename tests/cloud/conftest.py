"""One local cloud for all cloud tests, and LiveInsight on it."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from tests.cloud.project import ROOT, Project
from tests.ports import free_port

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
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a running local cloud, ended with everything it started."""
    home = tmp_path_factory.mktemp("cloud")
    command = [sys.executable, "-m", "localcloud.aws"]
    started = subprocess.run(
        [*command, "start", "--home", str(home), "--port", str(free_port())],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    try:
        yield json.loads(started.stdout)
    finally:
        subprocess.run([*command, "stop", "--home", str(home)], cwd=ROOT, check=True)


class LocalSession:
    """Makes clients that speak to one local cloud, whatever the environment says."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._session = boto3.session.Session(
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=environment.get("AWS_SESSION_TOKEN"),
            region_name=environment["AWS_REGION"],
        )
        self._endpoint = environment["AWS_ENDPOINT_URL"]

    def client(self, service_name: str, **options: Any) -> Any:
        return self._session.client(service_name, endpoint_url=self._endpoint, **options)


@pytest.fixture(scope="session")
def aws(cloud: dict[str, str]) -> LocalSession:
    return LocalSession(cloud)


@pytest.fixture(scope="session")
def liveinsight(
    cloud: dict[str, str], aws: boto3.session.Session, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """`liveinsight.local` with its infrastructure, all images pushed, and v1 released; destroyed at the end."""
    project = Project(tmp_path_factory.mktemp("liveinsight"), cloud)
    aws.client("ssm").put_parameter(
        Name="/LiveInsight/local/SECRET_KEY", Value="s3cr3t-of-the-tests", Type="SecureString"
    )
    project.pulumi("stack", "select", "--create", "liveinsight.local")
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
