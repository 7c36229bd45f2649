"""Bad input and a broken world through the real engine: one clear sentence, no traceback, nothing half done."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from ops.preview_text import without_interrupts
from tests.cloud.cutting import actions_of, cut
from tests.cloud.liveinsight.conftest import push_image
from tests.cloud.liveinsight.test_release_cut import ACTION
from tests.cloud.project import ROOT, Project
from tests.ports import free_port
from tests.waiting import until

BAD_CONFIG = {
    "desiredCount": ("0", "desiredCount in stacks/Pulumi.liveinsight.local.yaml is"),
    "certificateArn": ("arn:aws:acm:us-east-1:000000000000:certificate/1", "domain"),
    "imageTga": ("v2", "did you mean imageTag?"),
    "containerPort": ("http", "containerPort in stacks/Pulumi.liveinsight.local.yaml is"),
    "healthCheck.healthyThreshhold": ("2", "did you mean healthyThreshold?"),
}


@pytest.mark.parametrize("key", BAD_CONFIG)
def test_a_wrong_key_is_named_with_its_file_and_nothing_is_changed(
    released: Project, aws: boto3.session.Session, key: str
) -> None:
    value, sentence = BAD_CONFIG[key]
    file = released.path / "stacks" / "Pulumi.liveinsight.local.yaml"
    written, before = file.read_text(), (released.output("release"), task_definition(aws))
    try:
        released.set(key, value)
        done = released.up(check=False)
    finally:
        file.write_text(written)
    assert done.returncode != 0
    assert sentence in done.stdout, done.stdout
    assert not has_traceback(done.stdout), done.stdout
    assert (released.output("release"), task_definition(aws)) == before


def task_definition(aws: boto3.session.Session) -> str:
    """What the service runs."""
    described = aws.client("ecs").describe_services(cluster="LiveInsight-cluster", services=["LiveInsight-service"])
    return str(described["services"][0]["taskDefinition"])


@pytest.mark.parametrize(
    ("stack", "sentence"),
    [("liveinsite.local", "did you mean liveinsight?"), ("liveinsight", "is not named <system>.<environment>")],
)
def test_an_unknown_stack_is_a_sentence(released: Project, stack: str, sentence: str) -> None:
    released.pulumi("stack", "init", stack, "--no-select")
    try:
        done = released.pulumi("preview", "--stack", stack, check=False)
    finally:
        released.pulumi("stack", "rm", "--yes", stack)
        released.pulumi("stack", "select", "liveinsight.local")
    assert done.returncode != 0 and sentence in done.stdout, done.stdout
    assert not has_traceback(done.stdout), done.stdout


@pytest.mark.thorough
def test_a_cloud_that_goes_down_in_the_middle_ends_the_release_with_a_sentence(tmp_path: Path) -> None:
    """A cloud of its own, killed for good while new tasks start."""
    with_cloud = start_cloud(tmp_path / "cloud")
    try:
        project = Project(tmp_path, with_cloud, "liveinsight.local")
        project.pulumi("stack", "select", "--create", "liveinsight.local")
        project.run(*put_secret())
        project.pulumi("config", "rm", "infra-release:imageTag")
        for key in ("healthyThreshold", "unhealthyThreshold"):
            project.set(f"healthCheck.{key}", "2")
        project.set("verification.timeoutSeconds", "60")
        project.up()
        push_image(project, "v1")
        project.set("imageTag", "v1")
        serving = json.loads((tmp_path / "cloud" / "server.json").read_text())["pid"]
        output = cut(project, "deploying", lambda _: os.kill(serving, signal.SIGKILL))
        until(lambda: not actions_of(project, ACTION), "the action gives up", 120)
    finally:
        cloud("stop", "--home", str(tmp_path / "cloud"))
    assert "Could not connect to the endpoint URL" in output or "Connection was closed" in output, output[-3000:]
    assert "NOT undone" in output and "the next `pulumi up` finishes or restores" in output
    assert not has_traceback(output), output


def cloud(*arguments: str) -> str:
    command = [sys.executable, "-m", "localcloud.aws", *arguments]
    return subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, check=True).stdout


def start_cloud(home: Path) -> dict[str, str]:
    environment: dict[str, str] = json.loads(cloud("start", "--home", str(home), "--port", str(free_port())))
    return environment


def put_secret() -> tuple[str, ...]:
    call = "boto3.client('ssm').put_parameter(Name='/LiveInsight/local/SECRET_KEY', Value='x', Type='SecureString')"
    return (sys.executable, "-c", f"import boto3; {call}")


def has_traceback(output: str) -> bool:
    """Whether a program failed unexpectedly: a headline on a line of its own, not of the interrupt after a failure."""
    return any(line.strip().startswith("Traceback ") for line in without_interrupts(output).splitlines())
