"""The workflows' own steps, run against the real engine and a GitHub double.

The first part needs no cloud: a program of its own, small enough to fail, to be killed and to be rolled back at will.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import boto3
import pytest
import requests

from localcloud.github.model import Repository, Token, World
from localcloud.github.server import GitHubServer
from localcloud.sample.build import SAMPLE
from ops.preview_text import marker
from tests.cloud.load import Load
from tests.cloud.project import ROOT, Project
from tests.cloud.workflow import Job, Result, commit, git

STACK = "web.dev"
BOT = "github-actions[bot]"
PROGRAM = """\
import time
import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider, UpdateResult

config = pulumi.Config()
if config.get("broken"):
    raise ValueError("stacks/Pulumi.web.dev.yaml: broken is set")


class Provider(ResourceProvider):
    def create(self, props):
        time.sleep(float(props["seconds"]))
        return CreateResult("web", props)

    def update(self, id, old, new):
        if new["IMAGE"] == new["refuse"]:
            raise Exception("the task exits")
        return UpdateResult(new)


class Release(Resource):
    IMAGE: pulumi.Output[str]

    def __init__(self):
        super().__init__(Provider(), "release", {"IMAGE": tag or "none", "seconds": seconds, "refuse": refuse})


def proof(image):
    previous = "v2" if image == "v1" else "v1"
    return {"image_tag": image, "digest": "sha256:1", "previous": {"image_tag": previous, "digest": "sha256:0"}}


seconds = config.get_float("seconds") or 0
refuse = config.get("refuse") or ""
tag = config.get("imageTag")
release = Release()
if tag:
    pulumi.export("release", release.IMAGE.apply(proof))
"""
VALUES = {
    "matrix.stack": STACK,
    "github.event.pull_request.number": "7",
    "github.event.pull_request.head.sha": "c" * 40,
    "github.token": "run-token",
    "vars[format('PULUMI_BACKEND_URL_{0}', matrix.environment)] || vars.PULUMI_BACKEND_URL": "",
    "vars.PULUMI_BACKEND_URL": "",
    "vars[format('PREVIEW_ROLE_{0}', matrix.environment)] || vars.PREVIEW_ROLE": "arn:aws:iam::1:role/preview",
    "needs.plan.outputs.version": "",
    "secrets.DEPLOY_TOKEN": "",
    "secrets.ARGOCD_TOKEN": "",
    "github.actor": "ann",
    "secrets.GHCR_TOKEN": "",
    "vars.RELEASE_ROLE": "arn:aws:iam::1:role/release",
    "vars[format('AWS_REGION_{0}', matrix.environment)] || vars.AWS_REGION || 'us-east-1'": "us-east-1",
}


def backed_by(backend: str) -> dict[str, str]:
    """The values of a repository whose state lies there."""
    return {key: backend if "PULUMI_BACKEND_URL" in key else value for key, value in VALUES.items()}


class Checkout:
    """A checkout with the commands, the scripts and the small program; its state, its GitHub."""

    def __init__(self, home: Path, server: GitHubServer) -> None:
        self.path = home / "checkout"
        self.path.mkdir()
        for name in ("actions", "ops", ".github"):
            shutil.copytree(ROOT / name, self.path / name, ignore=shutil.ignore_patterns("__pycache__"))
        (self.path / "Pulumi.yaml").write_text("name: infra-release\nruntime: python\nstackConfigDir: stacks\n")
        (self.path / "__main__.py").write_text(PROGRAM)
        (self.path / "stacks").mkdir()
        (home / "state").mkdir()
        self.backend = f"file://{home / 'state'}"
        self.locks = home / "state" / ".pulumi" / "locks" / "organization" / "infra-release" / STACK
        self.values = backed_by(self.backend)
        self.environment = {
            **os.environ,
            "PULUMI_BACKEND_URL": self.backend,
            "PULUMI_CONFIG_PASSPHRASE": "local",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PYTHONDONTWRITEBYTECODE": "1",
            "GITHUB_API_URL": server.url,
            "GITHUB_REPOSITORY": "acme/infra",
            "GITHUB_STEP_SUMMARY": str(home / "summary.md"),
        }
        git(self.path, "init", "--quiet", "--initial-branch=main")
        self.pulumi("stack", "init", STACK)
        self.pulumi("config", "set", "imageTag", "v1")
        self.first = commit(self.path, "first")

    def pulumi(self, *arguments: str) -> str:
        command = ["pulumi", *arguments, "--non-interactive", "--color=never"]
        done = subprocess.run(
            command, cwd=self.path, env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def job(self, workflow: str, job: str) -> Job:
        return Job(workflow, job, self.path, self.environment)

    def config(self) -> str:
        return (self.path / "stacks" / f"Pulumi.{STACK}.yaml").read_text()


@pytest.fixture
def world() -> World:
    token = Token(login=BOT, permissions={"contents": "read", "pull-requests": "write"})
    return World(repositories={"acme/infra": Repository(name="acme/infra", pulls={7: []})}, tokens={"run-token": token})


@pytest.fixture
def server(world: World) -> Iterator[GitHubServer]:
    with GitHubServer(world) as running:
        yield running


@pytest.fixture
def checkout(tmp_path: Path, world: World, server: GitHubServer) -> Checkout:
    made = Checkout(tmp_path, server)
    world.repositories["acme/infra"].git = made.path
    return made


def bodies(world: World) -> list[str]:
    return [comment.body for comment in world.repositories["acme/infra"].pulls[7]]


def test_preview_posts_a_comment_then_updates_it_also_with_a_failure(checkout: Checkout, world: World) -> None:
    preview = checkout.job("preview", "preview")
    assert preview.run("Repository settings", checkout.values).code == 0
    first = preview.run("Preview and comment", checkout.values)
    assert first.code == 0, first.text
    (body,) = bodies(world)
    assert body.startswith(f"{marker(STACK)}\n### `{STACK}`: 2 to create")
    assert "+ 2 to create" in first.text

    checkout.pulumi("up", "--yes", "--skip-preview")
    checkout.pulumi("config", "set", "imageTag", "v2")
    assert preview.run("Preview and comment", checkout.values).code == 0
    (body,) = bodies(world)
    assert f"### `{STACK}`: release `v1` → `v2`; 1 to update" in body
    assert str(checkout.path) not in body
    assert "commit cccccccccccc" in body

    checkout.pulumi("config", "set", "broken", "true")
    failed = preview.run("Preview and comment", checkout.values)
    assert failed.code == 1
    (body,) = bodies(world)
    assert f"**The preview of `{STACK}` failed** (code 1): `ValueError: stacks/Pulumi.web.dev.yaml: broken" in body
    assert str(checkout.path) not in body
    assert (checkout.path.parent / "summary.md").read_text().count(marker(STACK)) == 3


@pytest.mark.thorough
def test_a_failed_set_up_is_told_on_the_pull_request(checkout: Checkout, world: World) -> None:
    preview = checkout.job("preview", "preview")
    unset = preview.run("Repository settings", checkout.values | {list(VALUES)[6]: ""})
    assert unset.code == 1
    assert "PREVIEW_ROLE of the repository" in unset.text
    assert preview.step("Comment on a failed set-up")["if"] == "failure() && steps.preview.outcome == 'skipped'"
    assert preview.run("Comment on a failed set-up", checkout.values).code == 0
    (body,) = bodies(world)
    assert "the set-up failed before the preview" in body


@pytest.mark.thorough
def test_without_the_right_to_comment_the_preview_fails_in_one_sentence(checkout: Checkout, world: World) -> None:
    world.tokens["run-token"] = Token(login=BOT, permissions={"contents": "read"})
    done = checkout.job("preview", "preview").run("Preview and comment", checkout.values)
    assert done.code == 1
    assert "::error::GitHub refused GET" in done.text and "pull-requests: write" in done.text
    assert "Traceback" not in done.text


def test_the_plan_of_a_pull_request_a_push_and_a_dispatch(checkout: Checkout) -> None:
    (checkout.path / "stacks" / "other.py").write_text("")
    (checkout.path / "stacks" / "Pulumi.other.dev.yaml").write_text("config: {}\n")
    (checkout.path / "stacks" / "Pulumi.other.local.yaml").write_text("config: {}\n")
    second = commit(checkout.path, "another system")
    web = {"stack": STACK, "system": "web", "environment": "dev"}
    other = {"stack": "other.dev", "system": "other", "environment": "dev"}

    changed = checkout.job("preview", "plan").run("Affected stacks", {})
    assert json.loads(changed.outputs["stacks"]) == [other]

    up = checkout.job("up", "plan")
    pushed = up.run("Stacks touched by the push", {"github.event.before": "0" * 40})
    assert json.loads(pushed.outputs["stacks"]) == [other, web]
    nothing = up.run("Stacks touched by the push", {"github.event.before": second})
    assert nothing.outputs["stacks"] == "[]"
    asked = up.run("The stack asked for", {"inputs.stack": STACK})
    assert json.loads(asked.outputs["stacks"]) == [web]
    local = up.run("The stack asked for", {"inputs.stack": "other.local"})
    assert local.outputs["stacks"] == "[]"
    unknown = up.run("The stack asked for", {"inputs.stack": "$(touch x).dev"})
    assert unknown.code == 1 and "there is no stack" in unknown.text and "Traceback" not in unknown.text


def test_a_git_tag_names_the_version_and_productions_stack(checkout: Checkout) -> None:
    (checkout.path / "stacks" / "Pulumi.web.prod.yaml").write_text("config: {}\n")
    merged = commit(checkout.path, "production")
    git(checkout.path, "update-ref", "refs/remotes/origin/main", merged)
    values = {"github.event.repository.default_branch": "main"}
    plan = checkout.job("up", "plan")

    def tagged(name: str, sha: str) -> Result:
        return plan.run("The stack of the git tag", values, GITHUB_REF_NAME=name, GITHUB_SHA=sha)

    done = tagged("web/v1.2.3", merged)
    assert done.code == 0, done.text
    assert [row["stack"] for row in json.loads(done.outputs["stacks"])] == ["web.prod"]
    assert done.outputs["version"] == "v1.2.3"
    nobody = tagged("nothing/v1.2.3", merged)
    assert nobody.code == 1 and "there is no stack 'nothing.prod'" in nobody.text
    unmerged = tagged("web/v1.2.4", commit(checkout.path, "not on main"))
    assert unmerged.code == 1 and "what is not merged is not released" in unmerged.text


def test_a_failing_test_of_the_application_ends_the_run_before_the_build(checkout: Checkout) -> None:
    (checkout.path / "stacks" / "Pulumi.teammoa.dev.yaml").write_text("config: {}\n")
    application = checkout.path / "teammoa"
    application.mkdir()
    (application / "Dockerfile").write_text("FROM scratch\n")
    gate = checkout.job("up", "test")
    values = {"matrix.stack": "teammoa.dev"}
    (application / "manage.py").write_text("raise SystemExit(0)\n")
    assert gate.run("Tests of the application", values).code == 0
    (application / "manage.py").write_text("raise SystemExit(1)\n")
    failed = gate.run("Tests of the application", values)
    assert failed.code == 1
    assert "::error::`python manage.py test` failed with code 1" in failed.text and "Traceback" not in failed.text


def test_an_older_commit_gives_way_to_a_newer_one_that_touches_its_stack(checkout: Checkout) -> None:
    up = checkout.job("up", "up")

    def current(sha: str) -> str:
        done = up.run("Still the newest", checkout.values, GITHUB_SHA=sha, GITHUB_REF_NAME="main")
        assert done.code == 0, done.text
        return done.outputs["current"]

    assert current(checkout.first) == "true"
    (checkout.path / "README.md").write_text("words\n")
    second = commit(checkout.path, "words only")
    assert current(checkout.first) == "true"
    (checkout.path / "__main__.py").write_text(PROGRAM + "\n")
    third = commit(checkout.path, "the program")
    assert [current(sha) for sha in (checkout.first, second, third)] == ["false", "false", "true"]


def bring(checkout: Checkout, action: str, tag: str = "", pushed: str = "false") -> tuple[int, str]:
    values = {
        **checkout.values,
        "inputs.action || 'up'": action,
        "inputs.tag": tag,
        "github.event_name == 'push'": pushed,
    }
    done = checkout.job("up", "up").run("Up", values, GITHUB_SHA=checkout.first)
    return done.code, done.text


def test_up_and_rollback_by_dispatch(checkout: Checkout) -> None:
    code, text = bring(checkout, "up", tag="v2")
    assert code == 0, text
    assert "imageTag: v2" in checkout.config()
    code, text = bring(checkout, "up")  # no tag: what is configured stays
    assert code == 0 and "2 unchanged" in text
    code, text = bring(checkout, "rollback")
    assert code == 0, text
    assert f"rolling {STACK} back to v1: the verified release before v2" in text
    assert "imageTag: v1" in checkout.config()
    code, text = bring(checkout, "rollback")  # said twice in a hurry
    assert code == 1, text
    code, text = bring(checkout, "rollback", tag="v0")
    assert code == 0 and "imageTag: v0" in checkout.config()
    code, text = bring(checkout, "rollback", tag="--help")
    assert code == 1 and "is not an image tag" in text
    code, text = bring(checkout, "destroy")
    assert code == 2 and "it is up or rollback" in text


@pytest.mark.thorough
def test_a_rollback_after_a_failed_push_goes_to_what_serves_and_not_one_too_far(checkout: Checkout) -> None:
    bring(checkout, "up", tag="v2")
    checkout.pulumi("config", "set", "refuse", "v3")
    assert bring(checkout, "up", tag="v3")[0] == 1
    checkout.pulumi("config", "rm", "imageTag")  # a new run's checkout knows nothing of the tag
    code, text = bring(checkout, "rollback")
    assert code == 0, text
    assert f"rolling {STACK} back to v2: the last verified release" in text


@pytest.mark.thorough
def test_a_rollback_that_fails_says_what_the_configuration_holds(checkout: Checkout) -> None:
    bring(checkout, "up", tag="v2")
    checkout.pulumi("config", "set", "broken", "true")
    code, text = bring(checkout, "rollback", tag="v1")
    assert code == 1
    assert "`pulumi up` failed with code 1" in text
    assert f"stacks/Pulumi.{STACK}.yaml keeps saying v1, as asked" in text


@pytest.mark.thorough
def test_nothing_to_roll_back_to_is_one_sentence(checkout: Checkout) -> None:
    code, text = bring(checkout, "rollback")
    assert code == 1
    assert "::error::nothing has been released on this stack yet" in text and "Traceback" not in text


def kill_in_the_middle(checkout: Checkout) -> None:
    """`pulumi up` with a long creation, and everything of it killed at once as when a runner vanishes."""
    checkout.pulumi("config", "set", "seconds", "60")
    engine = subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"],
        cwd=checkout.path,
        env=checkout.environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert engine.stdout is not None
    children: set[int] = set()
    for line in engine.stdout:
        if "release creating" in line:
            children = descendants(engine.pid)
            break
    engine.kill()
    for child in children:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    engine.stdout.close()
    engine.wait()
    checkout.pulumi("config", "set", "seconds", "0")


def descendants(pid: int) -> set[int]:
    found = {pid}
    for _ in range(6):  # deeper than the engine's plugins nest
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[1]) in found:
                found.add(int(path.parent.name))
    return found - {pid}


def test_the_lock_of_a_killed_up_is_cleared_and_the_stack_comes_up(checkout: Checkout) -> None:
    kill_in_the_middle(checkout)
    assert list(checkout.locks.glob("*.json"))
    code, text = bring(checkout, "up")
    assert code == 0, text
    assert "no longer exists on this machine" in text
    assert "cut off while being created" in text and "::release" in text
    assert not list(checkout.locks.iterdir())
    command = ["python", "-m", "ops.unlock", STACK, "--clear-pending"]
    done = subprocess.run(command, cwd=checkout.path, env=checkout.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "pending_operations" not in json.loads(checkout.pulumi("stack", "export"))["deployment"]


@pytest.mark.thorough
def test_the_lock_of_a_living_process_stops_the_run(checkout: Checkout) -> None:
    checkout.locks.mkdir(parents=True, exist_ok=True)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.123456789Z", time.gmtime())
    holder = {"pid": os.getpid(), "username": "ann", "hostname": os.uname().nodename, "timestamp": stamp}
    (checkout.locks / "a.json").write_text(json.dumps(holder))
    code, text = bring(checkout, "up")
    assert code == 1
    assert f"kept the lock of ann@{os.uname().nodename}, process {os.getpid()}" in text
    assert "pulumi cancel" in text and "is alive on this machine" in text
    assert (checkout.locks / "a.json").exists()


# From here on: on the local cloud.


@pytest.mark.thorough
def test_the_lock_in_a_bucket_is_cleared(checkout: Checkout, cloud: dict[str, str], aws: boto3.session.Session) -> None:
    aws.client("s3").create_bucket(Bucket="infra-state")
    endpoint = cloud["AWS_ENDPOINT_URL"]
    backend = f"s3://infra-state/stacks?region=us-east-1&endpoint={endpoint}&use_path_style=true"
    checkout.environment |= {**cloud, "PULUMI_BACKEND_URL": backend}
    checkout.values = backed_by(backend)
    checkout.pulumi("stack", "init", STACK)
    kill_in_the_middle(checkout)
    code, text = bring(checkout, "up")
    assert code == 0, text
    assert "no longer exists on this machine" in text
    locks = aws.client("s3").list_objects_v2(Bucket="infra-state", Prefix="stacks/.pulumi/locks/")
    assert "Contents" not in locks


def test_a_push_builds_once_and_releases_and_a_dispatch_rolls_back(
    released: Project, aws: boto3.session.Session, tmp_path: Path
) -> None:
    shutil.copytree(ROOT / ".github", released.path / ".github", dirs_exist_ok=True)
    SAMPLE.prepare()
    shutil.copytree(SAMPLE.context, released.path / "src", dirs_exist_ok=True)
    sha, before = "d" * 40, released.output("imageTag")
    stack = "liveinsight.local"
    environment = {**released.environment, "DOCKER_BUILDKIT": "0"}
    values = {
        **VALUES,
        "matrix.stack": stack,
        "vars.PULUMI_BACKEND_URL": released.environment["PULUMI_BACKEND_URL"],
        "inputs.action || 'up'": "up",
        "inputs.tag": "",
        "github.event_name == 'push'": "true",
    }
    build = Job("up", "build", released.path, environment)
    up = Job("up", "up", released.path, environment)
    try:
        built = build.run("Build and push", values, GITHUB_SHA=sha)
        assert built.code == 0, built.text
        again = build.run("Build and push", values, GITHUB_SHA=sha)
        assert again.code == 0 and "not built again" in again.text
        images = aws.client("ecr").describe_images(repositoryName="liveinsight-app", imageIds=[{"imageTag": sha}])
        assert set(images["imageDetails"][0]["imageTags"]) >= {sha, "latest"}
        named = build.run("Build and push", values | {"needs.plan.outputs.version": "v1.2.3"}, GITHUB_SHA=sha)
        assert named.code == 0 and "not built again" in named.text, named.text
        version = aws.client("ecr").describe_images(repositoryName="liveinsight-app", imageIds=[{"imageTag": "v1.2.3"}])
        assert version["imageDetails"][0]["imageDigest"] == images["imageDetails"][0]["imageDigest"]

        with Load(released.output("url")) as load:
            done = up.run("Up", values, GITHUB_SHA=sha)
            assert done.code == 0, done.text[-6000:]
            assert released.output("release")["image_tag"] == sha
            back = up.run("Up", values | {"inputs.action || 'up'": "rollback", "github.event_name == 'push'": "false"})
            assert back.code == 0, back.text[-6000:]
        assert load.failed == 0, load.answers
    finally:
        shutil.rmtree(released.path / "src")
    assert f"rolling liveinsight.local back to {before}: the verified release before {sha}" in back.text
    assert released.output("release")["image_tag"] == before
    assert requests.get(released.output("url"), timeout=5).headers["X-Version"] == before
