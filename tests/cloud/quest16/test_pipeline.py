"""A push is linted, built, tested and deployed for real; production takes exactly that, after an approval.

The tests build on each other, in the order of the file.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.project import Project
from tests.cloud.quest16.conftest import Monorepo, ended, log_of, page, phases, standing
from tests.cloud.session import LocalSession
from tests.waiting import until

PRODUCTION = "quest16.localprod"
GREETING = "Hello, Quest 16"


def test_a_push_is_checked_deployed_and_the_site_answers(quest16: Project, monorepo: Monorepo) -> None:
    assert "started" in monorepo.push()
    build = monorepo.built()
    log = monorepo.log(build)
    assert build["buildStatus"] == "SUCCEEDED", log[-3000:]
    for script in ("lint", "build", "test"):
        assert f"Ran npm script '{script}' in 3 packages" in log
    assert log.index("Ran npm script 'test' in 3 packages") < log.index("deploying site (1 of 1)")
    answer = page(quest16.output("url"))
    assert answer.status_code == 200 and GREETING in answer.text


def test_another_branch_starts_no_build(monorepo: Monorepo) -> None:
    before = monorepo.ids()
    assert "refs/heads/feature starts no build of Quest16-build" in monorepo.push("feature")
    assert monorepo.ids() == before


def test_a_failing_test_of_one_package_deploys_nothing_and_is_told(
    quest16: Project, monorepo: Monorepo, aws: LocalSession
) -> None:
    before, heard = standing(quest16, aws), Subscriber(aws, quest16.output("topic"))
    monorepo.change("packages/site/src/page.js", "<title>Quest 16</title>", "<title>changed</title>")
    monorepo.change("packages/api/test/server.test.js", "'v0');", "'v1');")
    build, log = monorepo.broken()
    assert build["buildStatus"] == "FAILED"
    assert phases(build)["BUILD"] == "FAILED" and "UPLOAD_ARTIFACTS" not in phases(build)
    assert "Error while executing command: npx lerna run test. Reason: exit status 1" in log
    assert "deploying" not in log
    assert standing(quest16, aws) == before
    assert f"Quest16-build build {build['buildNumber']}.0: FAILED ({build['sourceVersion']})" in heard.message()


class Subscriber:
    """A queue that listens to the stack's topic."""

    def __init__(self, aws: LocalSession, topic: str) -> None:
        self._sqs = aws.client("sqs")
        self._queue = self._sqs.create_queue(QueueName="listens-to-builds")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._sqs.set_queue_attributes(QueueUrl=self._queue, Attributes={"Policy": policy})
        aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def message(self) -> str:
        """The first one that arrives; the queue is gone afterwards."""
        try:
            found = until(
                lambda: self._sqs.receive_message(QueueUrl=self._queue, WaitTimeSeconds=1).get("Messages"),
                "a notification",
                30,
            )
            return str(json.loads(found[0]["Body"])["Message"])
        finally:
            self._sqs.delete_queue(QueueUrl=self._queue)


@pytest.fixture(scope="module")
def production(quest16: Project, tmp_path_factory: pytest.TempPathFactory, cloud: dict[str, str]) -> Any:
    """A stack that promotes what `quest16.local` verified, with production's values and the local cloud's figures."""
    project = Project(tmp_path_factory.mktemp("production"), cloud, PRODUCTION)
    stacks = project.path / "stacks"
    local = (stacks / "Pulumi.quest16.local.yaml").read_text()
    promotes = f"  infra-release:promotes:\n    bucket: {quest16.output('artifactsBucket')}\n"
    head, _, rest = local.partition("  infra-release:source:\n")
    kept = rest[rest.index("  infra-release:packages:") :]
    values = f"{head}  infra-release:name: Quest16Prod\n{promotes}{kept}"
    (stacks / f"Pulumi.{PRODUCTION}.yaml").write_text(values)
    project.pulumi("stack", "select", "--create", PRODUCTION)
    project.up()
    try:
        yield project
    finally:
        project.pulumi("destroy", "--yes", check=False)


def approval(pipelines: Any) -> dict[str, Any]:
    """The approval that waits now."""

    def look() -> dict[str, Any] | None:
        states = pipelines.get_pipeline_state(name="Quest16Prod-promotion")["stageStates"]
        found: dict[str, Any] = states[1]["actionStates"][0].get("latestExecution", {})
        return found if found.get("status") == "InProgress" else None

    waiting: dict[str, Any] = until(look, "an approval", 60)
    return waiting


def test_without_an_approval_nothing_happens_in_production(production: Project, aws: LocalSession) -> None:
    approval(aws.client("codepipeline"))
    assert aws.client("codebuild").list_builds_for_project(projectName="Quest16Prod-deploy")["ids"] == []
    assert page(production.output("url")).status_code in (403, 404)


def test_production_receives_stagings_artifact_with_the_same_checksum(
    quest16: Project, production: Project, aws: LocalSession
) -> None:
    pipelines, builds = aws.client("codepipeline"), aws.client("codebuild")
    pipelines.put_approval_result(
        pipelineName="Quest16Prod-promotion",
        stageName="Approval",
        actionName="Approval",
        token=approval(pipelines)["token"],
        result={"status": "Approved", "summary": "looked at it"},
    )
    found = until(
        lambda: builds.list_builds_for_project(projectName="Quest16Prod-deploy")["ids"], "a deploy in production", 60
    )
    build = ended(builds, found[0])
    log = log_of(aws.client("logs"), build)
    assert build["buildStatus"] == "SUCCEEDED", log[-3000:]
    assert "lerna" not in log
    assert GREETING in page(production.output("url")).text
    assert checksum(aws, production) == checksum(aws, quest16)


def checksum(aws: LocalSession, project: Project) -> str:
    table = project.output("deploysTable")
    item = aws.client("dynamodb").get_item(TableName=table, Key={"id": {"S": "verified"}})["Item"]
    return str(json.loads(item["proof"]["S"])["checksum"])


def test_nothing_changed_means_nothing_runs(quest16: Project, monorepo: Monorepo) -> None:
    before = monorepo.ids()
    quest16.up("--expect-no-changes")
    assert monorepo.ids() == before


def test_destroy_leaves_nothing(quest16: Project, production: Project, aws: LocalSession) -> None:
    for project in (production, quest16):
        project.pulumi("destroy", "--yes")
    assert aws.client("codebuild").list_projects()["projects"] == []
    assert aws.client("codepipeline").list_pipelines()["pipelines"] == []
    buckets = [bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]]
    assert [name for name in buckets if not name.startswith("teammoa-")] == []  # whose backups outlive it
    assert aws.client("sns").list_topics()["Topics"] == []
    assert aws.client("events").list_rules()["Rules"] == []
    assert aws.client("cloudfront").list_distributions()["DistributionList"].get("Items", []) == []
    assert aws.client("dynamodb").list_tables()["TableNames"] == []
    assert not (Path(aws_git(quest16)) / "your-org" / "quest16.git" / "hooks" / "post-receive").exists()


def aws_git(project: Project) -> str:
    return project.environment["LOCALCLOUD_GIT"]
