"""Builds of the local cloud end as CodeBuild's do: phase by phase, with its words."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloud.local_aws.conftest import Cloud
from tests.cloud.quest16.conftest import ended, log_of
from tests.waiting import until

pytestmark = pytest.mark.thorough  # the ordinary run meets all of this through a stack

PROJECT = "plain"
END_SECONDS = 180.0


class Builds:
    """A project without a source, whose buildspec each test gives."""

    def __init__(self, cloud: Cloud) -> None:
        self.codebuild, self.logs = cloud.client("codebuild"), cloud.client("logs")

    def start(self, spec: str) -> str:
        return str(self.codebuild.start_build(projectName=PROJECT, buildspecOverride=spec)["build"]["id"])

    def run(self, spec: str) -> tuple[dict[str, Any], str]:
        build = ended(self.codebuild, self.start(spec), END_SECONDS)
        return build, log_of(self.logs, build)


@pytest.fixture(scope="module")
def builds(local_cloud: Cloud) -> Iterator[Builds]:
    iam, made = local_cloud.client("iam"), Builds(local_cloud)
    trust = {"Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=PROJECT, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    made.codebuild.create_project(
        name=PROJECT,
        source={"type": "NO_SOURCE", "buildspec": "version: 0.2\n"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "SMALL"},
        serviceRole=role,
    )
    yield made
    made.codebuild.delete_project(name=PROJECT)
    iam.delete_role(RoleName=PROJECT)


def phases(build: dict[str, Any]) -> dict[str, str]:
    return {phase["phaseType"]: phase.get("phaseStatus", "") for phase in build["phases"]}


def test_variables_and_the_directory_live_from_phase_to_phase(builds: Builds) -> None:
    build, log = builds.run(
        "version: 0.2\nphases:\n"
        "  install: {commands: ['export WORD=kept', 'mkdir deep', 'cd deep']}\n"
        "  build: {commands: ['echo $WORD in $(basename $(pwd)) of $CODEBUILD_BUILD_ID']}\n"
    )
    assert build["buildStatus"] == "SUCCEEDED", log
    assert f"kept in deep of {build['id']}" in log


def test_a_failed_command_ends_its_phase_but_not_what_comes_after_a_build(builds: Builds) -> None:
    build, log = builds.run(
        "version: 0.2\nphases:\n"
        "  build: {commands: ['false', 'echo never']}\n"
        "  post_build: {commands: ['echo succeeding: $CODEBUILD_BUILD_SUCCEEDING']}\n"
    )
    assert build["buildStatus"] == "FAILED"
    assert (phases(build)["BUILD"], phases(build)["POST_BUILD"]) == ("FAILED", "SUCCEEDED")
    assert "never" not in log.replace("echo never", "")
    assert "succeeding: 0" in log
    assert "COMMAND_EXECUTION_ERROR Message: Error while executing command: false. Reason: exit status 1" in log


def test_on_failure_abort_ends_the_build(builds: Builds) -> None:
    build, _ = builds.run(
        "version: 0.2\nphases:\n"
        "  build: {on-failure: ABORT, commands: ['false']}\n"
        "  post_build: {commands: ['echo still here']}\n"
    )
    assert build["buildStatus"] == "FAILED" and "POST_BUILD" not in phases(build)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("version: 0.2\nphases: {build: {commands: []}}\n", "wrong buildspec at phases.build.commands"),
        ("version: 0.2\nphases: [\n", "YAML file error"),
        ("version: 0.2\nphases: {deploy: {commands: [x]}}\n", "wrong buildspec at phases"),
    ],
)
def test_an_invalid_buildspec_ends_the_build_before_its_first_command(builds: Builds, spec: str, message: str) -> None:
    build, log = builds.run(spec)
    assert build["buildStatus"] == "FAILED"
    assert phases(build)["DOWNLOAD_SOURCE"] == "FAILED" and "INSTALL" not in phases(build)
    assert "YAML_FILE_ERROR" in log and message in log


def test_a_cancelled_build_is_stopped_at_once(builds: Builds) -> None:
    identity = builds.start("version: 0.2\nphases: {build: {commands: ['echo begun', 'sleep 300', 'echo done']}}\n")

    def begun() -> bool:
        build = builds.codebuild.batch_get_builds(ids=[identity])["builds"][0]
        return build["currentPhase"] == "BUILD" and "begun" in log_of(builds.logs, build).replace("echo begun", "")

    until(begun, "the build to begin", END_SECONDS)
    builds.codebuild.stop_build(id=identity)
    build = ended(builds.codebuild, identity, END_SECONDS)
    assert build["buildStatus"] == "STOPPED" and phases(build)["BUILD"] == "STOPPED"
    assert "done" not in log_of(builds.logs, build).replace("echo done", "")
