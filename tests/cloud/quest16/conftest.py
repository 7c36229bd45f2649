"""Quest 16 on the local cloud: the stack, and a working copy of the sample monorepo whose pushes are built."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.cloud.project import ROOT, Project
from tests.cloud.session import LocalSession
from tests.waiting import until

SAMPLE = ROOT / "localcloud" / "quest16"
BUILD_SECONDS = 900.0  # on a machine that is busy with other tests
WHO = {"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@t", "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@t"}


class Monorepo:
    """A clone in which tests change files and push."""

    def __init__(self, path: Path, remote: Path, aws: LocalSession, project: str) -> None:
        self.path, self._remote, self._project = path, remote, project
        self._builds, self._logs = aws.client("codebuild"), aws.client("logs")
        shutil.copytree(SAMPLE, path, ignore=shutil.ignore_patterns("node_modules", "dist", "release"))
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            env={**os.environ, **WHO},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def push(self, branch: str = "main") -> str:
        """Commit everything and push it; what the other side answers."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a change")
        return self.git("push", "--force", str(self._remote), f"HEAD:refs/heads/{branch}")

    def change(self, file: str, old: str, new: str) -> None:
        text = (self.path / file).read_text()
        assert old in text
        (self.path / file).write_text(text.replace(old, new))

    def restore(self) -> None:
        """As before the last push; the next one takes its place."""
        self.git("reset", "--quiet", "--hard", "HEAD~1")

    def release(self) -> tuple[dict[str, Any], str]:
        """Push, and wait for the end: the build and its log."""
        self.push()
        build = self.built()
        return build, self.log(build)

    def broken(self) -> tuple[dict[str, Any], str]:
        """As `release`, and the files of before afterwards."""
        try:
            return self.release()
        finally:
            self.restore()

    def until_said(self, text: str) -> str:
        """The id of the newest build, as soon as its log holds this."""
        identity = self.ids()[0]

        def said() -> bool:
            build = self._builds.batch_get_builds(ids=[identity])["builds"][0]
            assert not build["buildComplete"], self.log(build)[-3000:]
            return text in self.log(build)

        until(said, f"{text!r} in the log of {identity}", BUILD_SECONDS)
        return identity

    def cancelled(self, text: str) -> tuple[dict[str, Any], str]:
        """Push, and stop the build as soon as its log holds this: the build and its log."""
        self.push()
        identity = self.until_said(text)
        self._builds.stop_build(id=identity)
        build = ended(self._builds, identity)
        return build, self.log(build)

    def ids(self) -> list[str]:
        found: list[str] = self._builds.list_builds_for_project(projectName=self._project, sortOrder="DESCENDING")[
            "ids"
        ]
        return found

    def built(self) -> dict[str, Any]:
        """The newest build, once it has ended."""
        return ended(self._builds, self.ids()[0])

    def log(self, build: dict[str, Any]) -> str:
        return log_of(self._logs, build)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What users get, what production would take, and which build is the verified one."""

    page: str
    published: str
    verified: str


def standing(project: Project, aws: LocalSession) -> Standing:
    outputs = project.outputs()
    item = aws.client("dynamodb").get_item(TableName=outputs["deploysTable"], Key={"id": {"S": "verified"}})["Item"]
    published = aws.client("s3").head_object(Bucket=outputs["artifactsBucket"], Key="released/release.zip")
    return Standing(
        page=page(outputs["url"]).text,
        published=published["VersionId"],
        verified=json.loads(item["proof"]["S"])["build"],
    )


def phases(build: dict[str, Any]) -> dict[str, str]:
    return {phase["phaseType"]: phase.get("phaseStatus", "") for phase in build["phases"]}


def ended(codebuild: Any, identity: str, seconds: float = BUILD_SECONDS) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        build: dict[str, Any] = codebuild.batch_get_builds(ids=[identity])["builds"][0]
        return build if build["buildComplete"] else None

    found: dict[str, Any] = until(look, f"the end of build {identity}", seconds)
    return found


def log_of(logs: Any, build: dict[str, Any]) -> str:
    where = build["logs"]
    try:
        answer = logs.get_log_events(
            logGroupName=where["groupName"], logStreamName=where["streamName"], startFromHead=True, limit=10000
        )
    except logs.exceptions.ResourceNotFoundException:  # it has said nothing yet
        return ""
    return "\n".join(event["message"] for event in answer["events"])


def page(url: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=30)


@pytest.fixture(scope="session")
def quest16(cloud: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = Project(tmp_path_factory.mktemp("quest16"), cloud, "quest16.local")
    project.pulumi("stack", "select", "--create", "quest16.local")
    project.up()
    try:
        yield project
    finally:
        project.pulumi("destroy", "--yes", check=False)


@pytest.fixture(scope="session")
def monorepo(
    quest16: Project, cloud: dict[str, str], aws: LocalSession, tmp_path_factory: pytest.TempPathFactory
) -> Monorepo:
    remote = Path(cloud["LOCALCLOUD_GIT"]) / "your-org" / "quest16.git"
    return Monorepo(tmp_path_factory.mktemp("monorepo") / "work", remote, aws, "Quest16-build")
