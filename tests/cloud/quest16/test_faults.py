"""What goes wrong in a build of real packages: nothing is deployed, or everything is as it was, and the log says so."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cloud.project import Project
from tests.cloud.quest16.conftest import Monorepo, Standing, page, phases, standing
from tests.cloud.session import LocalSession

pytestmark = pytest.mark.thorough  # the ordinary run has the failing test of a package

PAGE = "packages/site/src/page.js"
RENDER = "packages/site/scripts/render.js"
WRITE = "fs.writeFileSync(path.join(dist, name), content);"
# What is changed, the phase that fails, and what the log says.
BEFORE_THE_DEPLOY = {
    "lint": ((PAGE, "function pages", "debugger;\nfunction pages"), "PRE_BUILD", "npx lerna run lint"),
    "build": ((RENDER, "fs.mkdirSync(dist);", "throw new Error('no dist');"), "BUILD", "npx lerna run build"),
    "output": ((RENDER, WRITE, "void [name, content];"), "BUILD", "package site has nothing in packages/site/dist"),
}


@pytest.fixture(scope="module", autouse=True)
def deployed(quest16: Project, monorepo: Monorepo) -> None:
    build, log = monorepo.release()
    assert build["buildStatus"] == "SUCCEEDED", log[-3000:]


@pytest.fixture
def before(quest16: Project, aws: LocalSession) -> Standing:
    return standing(quest16, aws)


@pytest.mark.parametrize(("change", "phase", "said"), BEFORE_THE_DEPLOY.values(), ids=BEFORE_THE_DEPLOY)
def test_what_fails_before_the_deploy_deploys_nothing(
    quest16: Project,
    monorepo: Monorepo,
    aws: LocalSession,
    before: Standing,
    change: tuple[str, str, str],
    phase: str,
    said: str,
) -> None:
    monorepo.change(*change)
    build, log = monorepo.broken()
    assert build["buildStatus"] == "FAILED"
    assert list(phases(build).items())[-2:] == [(phase, "FAILED"), ("COMPLETED", "")]
    assert said in log and "deploying" not in log
    assert standing(quest16, aws) == before


@contextmanager
def refused(aws: LocalSession, role: str, action: str, resource: str) -> Iterator[None]:
    """The role may not do this."""
    iam, name = aws.client("iam"), "refused-by-a-test"
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": action, "Resource": resource}]}
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
    try:
        yield
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName=name)


def site_bucket(aws: LocalSession) -> str:
    """As the builds are told."""
    (project,) = aws.client("codebuild").batch_get_projects(names=["Quest16-build"])["projects"]
    values = {one["name"]: one["value"] for one in project["environment"]["environmentVariables"]}
    return str(json.loads(values["TARGETS"])["site"]["bucket"])


def test_the_first_deploy_fails_halfway_and_its_files_are_as_they_were(
    quest16: Project, monorepo: Monorepo, aws: LocalSession, before: Standing
) -> None:
    style = page(f"{quest16.output('url')}/style.css").text
    monorepo.change(PAGE, "2rem", "3rem")
    monorepo.change(PAGE, "<title>Quest 16</title>", "<title>changed</title>")
    with refused(aws, "Quest16-build", "s3:PutObject", f"arn:aws:s3:::{site_bucket(aws)}/index.html"):
        build, log = monorepo.broken()
    assert build["buildStatus"] == "FAILED"
    assert "deploying site (1 of 1)" in log
    assert "deploy of site failed: AccessDenied" in log and "s3:PutObject" in log
    assert "no package was deployed before it: nothing to put back" in log
    assert standing(quest16, aws) == before
    assert page(f"{quest16.output('url')}/style.css").text == style
    notes = aws.client("s3").list_objects_v2(Bucket=quest16.output("artifactsBucket"), Prefix="notes/")
    assert notes["KeyCount"] == 0


def test_a_build_cancelled_before_its_deploy_has_done_nothing(
    quest16: Project, monorepo: Monorepo, aws: LocalSession, before: Standing
) -> None:
    monorepo.change(PAGE, "<title>Quest 16</title>", "<title>changed</title>")
    build, log = monorepo.cancelled("Running command npx lerna run build")
    monorepo.restore()
    assert build["buildStatus"] == "STOPPED" and phases(build)["BUILD"] == "STOPPED"
    assert "deploying" not in log
    assert standing(quest16, aws) == before


def test_the_good_build_after_a_bad_one_tells_how_long_it_was_red(monorepo: Monorepo, aws: LocalSession) -> None:
    monorepo.change(*BEFORE_THE_DEPLOY["lint"][0])
    assert monorepo.broken()[0]["buildStatus"] == "FAILED"
    build, log = monorepo.release()
    assert build["buildStatus"] == "SUCCEEDED", log[-3000:]
    assert "the pipeline is green again after" in log
    metrics = aws.client("cloudwatch").list_metrics(Namespace="infra-release/pipeline")["Metrics"]
    assert [one["MetricName"] for one in metrics] == ["TimeToFix"]
