"""A site and a container of one monorepo are deployed together: both are new, or both are as they were.

The tests build on each other, in the order of the file.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from localcloud.web import Call, LoopbackServer, Reply
from tests.cloud.project import Project
from tests.cloud.quest16.conftest import Monorepo, Standing, page, standing
from tests.cloud.session import LocalSession
from tests.waiting import until

pytestmark = pytest.mark.thorough  # LiveInsight's tests release containers in every run, Quest 16's own a site

STACK = "quest16.two"
ASK = "fetch('http://127.0.0.1:8000/health/').then((a) => process.exit(a.ok ? 0 : 1), () => process.exit(1))"
VALUES: dict[str, Any] = {
    "name": "Quest16Two",
    "source": {"repository": "https://github.com/your-org/two"},
    "packages": [{"name": "site", "target": "site"}, {"name": "api", "target": "container"}],
    "nodeVersion": "18",
    "site": {"viewerProtocol": "allow-all"},
    "container": {
        "repository": "quest16-two-api",
        "healthCommand": f'node -e "{ASK}"',
        "intervalSeconds": 5,
        "deregistrationDelaySeconds": 5,
        "desiredCount": 1,
        "cpu": 256,
        "memory": 512,
    },
}
PAGE, SERVER = "packages/site/src/page.js", "packages/api/src/server.js"
MAIN = "if (require.main === module) {"  # what runs in the container, and not in the package's test


class Listener:
    """An address that confirms its subscription, as AWS asks for, and keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.url = ""

    def answer(self, call: Call) -> Reply:
        content = json.loads(call.body)
        if content["Type"] == "SubscriptionConfirmation":
            with requests.Session() as session:
                session.trust_env = False
                session.get(content["SubscribeURL"], timeout=30).raise_for_status()
        else:
            self.heard.append(content["Message"])
        return Reply(status=200)


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    made = Listener()
    with LoopbackServer(made.answer) as server:
        made.url = f"{server.url}/builds"
        yield made


@pytest.fixture(scope="module")
def two(listener: Listener, cloud: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = Project(tmp_path_factory.mktemp("two"), cloud, STACK)
    values = {**VALUES, "notifications": {"endpoints": [listener.url]}}
    config = {f"infra-release:{key}": value for key, value in values.items()}
    (project.path / "stacks" / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump({"config": config}))
    project.pulumi("stack", "select", "--create", STACK)
    project.up()
    try:
        yield project
    finally:
        project.pulumi("destroy", "--yes", check=False)


@pytest.fixture(scope="module")
def sources(
    two: Project, cloud: dict[str, str], aws: LocalSession, tmp_path_factory: pytest.TempPathFactory
) -> Monorepo:
    remote = Path(cloud["LOCALCLOUD_GIT"]) / "your-org" / "two.git"
    return Monorepo(tmp_path_factory.mktemp("two-sources") / "work", remote, aws, "Quest16Two-build")


def version(two: Project) -> str:
    """What the container says that it is."""
    answer = page(f"{two.output('apiUrl')}/")
    assert answer.json() == {"text": "Hello, Quest 16"}
    return str(answer.headers["X-Version"])


def seen(two: Project, aws: LocalSession) -> tuple[Standing, str]:
    return standing(two, aws), version(two)


def test_both_are_deployed_and_answer(two: Project, sources: Monorepo, listener: Listener) -> None:
    build, log = sources.release()
    assert build["buildStatus"] == "SUCCEEDED", log[-5000:]
    assert log.index("deploying site (1 of 2)") < log.index("deploying api (2 of 2)")
    assert "Hello, Quest 16" in page(two.output("url")).text
    assert version(two) == build["resolvedSourceVersion"][:12]
    until(lambda: any("SUCCEEDED" in line for line in listener.heard), "a notification", 30, lambda: listener.heard)


def test_the_second_fails_after_the_first_and_both_are_as_they_were(
    two: Project, sources: Monorepo, aws: LocalSession, listener: Listener
) -> None:
    before = seen(two, aws)
    sources.change(PAGE, "<title>Quest 16</title>", "<title>changed</title>")
    sources.change(SERVER, MAIN, f"{MAIN}\n  console.error('no database'); process.exit(7);")
    build, log = sources.broken()
    assert build["buildStatus"] == "FAILED"
    said = [
        "site: 1 files changed",
        "deploying api (2 of 2)",
        "log | no database",
        "deploy of api failed:",
        "putting site back, which was deployed before it",
        "site is back on its 2 files of before",
    ]
    places = [log.find(line) for line in said]
    assert -1 not in places and places == sorted(places), log[-5000:]
    assert seen(two, aws) == before
    line = f"Quest16Two-build build {build['buildNumber']}.0: FAILED"
    until(lambda: any(line in heard for heard in listener.heard), line, 30, lambda: listener.heard)


def test_a_build_cancelled_in_the_middle_of_its_deploy_is_finished_by_the_next(
    two: Project, sources: Monorepo, aws: LocalSession
) -> None:
    before, was = seen(two, aws)
    sources.change(PAGE, "<title>Quest 16</title>", "<title>cut off</title>")
    build, log = sources.cancelled("deploying api (2 of 2)")
    assert build["buildStatus"] == "STOPPED", log[-3000:]
    left = standing(two, aws)
    assert "cut off" in left.page and (left.published, left.verified) == (before.published, before.verified)
    bucket = two.output("artifactsBucket")
    notes = aws.client("s3").list_objects_v2(Bucket=bucket, Prefix="notes/")
    assert [one["Key"] for one in notes["Contents"]] == ["notes/site.json"]

    sources.change(SERVER, MAIN, f"{MAIN}\n  process.exit(7);")  # and the next one fails: back to before both
    build, log = sources.broken()
    sources.restore()
    assert build["buildStatus"] == "FAILED"
    assert "site: finishing after a deploy that was cut off" in log
    assert seen(two, aws) == (before, was)
    assert aws.client("s3").list_objects_v2(Bucket=bucket, Prefix="notes/")["KeyCount"] == 0


def test_a_good_build_after_all_that_is_deployed(two: Project, sources: Monorepo) -> None:
    sources.change(PAGE, "<title>Quest 16</title>", "<title>Quest 16, again</title>")
    build, log = sources.release()
    assert build["buildStatus"] == "SUCCEEDED", log[-5000:]
    assert "again" in page(two.output("url")).text
    assert version(two) == build["resolvedSourceVersion"][:12]


def test_destroy_takes_the_container_with_it(two: Project, aws: LocalSession) -> None:
    two.pulumi("destroy", "--yes")
    ecs = aws.client("ecs")
    definitions = ecs.list_task_definitions(status="ACTIVE")["taskDefinitionArns"]
    assert not [arn for arn in definitions if "Quest16Two" in arn]
    assert not [arn for arn in ecs.list_clusters()["clusterArns"] if "Quest16Two" in arn]
    repositories = [one["repositoryName"] for one in aws.client("ecr").describe_repositories()["repositories"]]
    assert "quest16-two-api" not in repositories
    assert not [one for one in aws.client("iam").list_roles()["Roles"] if one["RoleName"].startswith("Quest16Two")]
