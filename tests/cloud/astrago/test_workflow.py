"""The steps of the workflow that Astrago's application repositories call, in a checkout of the program.

Docker is a script that writes down what it is asked: the steps' own work is which image is built, when, and from what.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.astrago import world
from localcloud.astrago.world import Astrago
from localcloud.web import Call, LoopbackServer, Reply
from tests.cloud.astrago.conftest import STACK
from tests.cloud.project import ROOT, Project
from tests.cloud.workflow import Job, Result

WORKFLOW = "build-astrago"
SHA = "0123456789abcdef0123456789abcdef01234567"
GOOD = "t0ken"
DOCKER = """#!/bin/sh
echo "docker $*" >> "$ASKED"
case "$*" in
  *"imagetools inspect"*) exit "$ABSENT" ;;
  login*) [ "$(cat)" = "$EXPECTED_TOKEN" ] ;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    made = tmp_path / "checkout"
    made.mkdir()
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(DOCKER)
    program.chmod(0o755)
    return made


def build(checkout: Path, step: str, *, absent: bool = True, token: str = GOOD) -> tuple[Result, list[str]]:
    """A step of the build of `core`, and what it asked of docker."""
    asked = checkout.parent / "asked"
    environment = {
        "PATH": f"{checkout.parent / 'bin'}:/usr/bin:/bin",
        "ASKED": str(asked),
        "ABSENT": str(int(absent)),
        "EXPECTED_TOKEN": GOOD,
    }
    values = {"matrix.component": "core", "github.repository": world.BACKEND, "secrets.GHCR_TOKEN": token}
    job = Job(WORKFLOW, "build", checkout, environment)
    done = job.run(step, values, GITHUB_SHA=SHA, GITHUB_ACTOR="ann")
    return done, asked.read_text().splitlines() if asked.exists() else []


def test_the_token_goes_to_docker_and_nowhere_else(checkout: Path) -> None:
    done, asked = build(checkout, "Log in to the registry")
    assert (done.code, asked) == (0, ["docker login ghcr.io --username ann --password-stdin"])
    assert GOOD not in done.text
    assert build(checkout, "Log in to the registry", token="expired")[0].code == 1


def test_a_commit_is_built_once_with_its_layers_from_the_registry(checkout: Path) -> None:
    image = f"ghcr.io/{world.BACKEND}:core-stage-01234567"
    done, asked = build(checkout, "Build once and push")
    assert done.code == 0, done.text
    assert asked[0] == f"docker buildx imagetools inspect {image}"
    built = asked[-1].split()
    assert built[:4] == ["docker", "buildx", "build", "--push"] and built[-1] == "."
    assert built[built.index("--tag") + 1] == image
    assert built[built.index("--file") + 1] == "docker/core/Dockerfile"
    cache = f"type=registry,ref=ghcr.io/{world.BACKEND}:core-cache"
    assert built[built.index("--cache-from") + 1] == cache
    assert built[built.index("--cache-to") + 1] == f"{cache},mode=max"
    assert f"org.opencontainers.image.revision={SHA}" in built


def test_an_image_that_is_there_is_not_built_again(checkout: Path) -> None:
    done, asked = build(checkout, "Build once and push", absent=False)
    assert done.code == 0 and "already there: not built again" in done.text
    assert len(asked) == 1


@pytest.fixture(scope="module")
def program(services: Astrago, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The program's checkout with the workflow's scripts, and a stack of its own."""
    project = Project(tmp_path_factory.mktemp("workflow"), services.variables(), STACK)
    shutil.copytree(ROOT / ".github", project.path / ".github")
    project.pulumi("stack", "select", "--create", STACK)
    project.set("registry", services.registry.host)
    project.set("argocd.server", services.argocd.url)
    project.pulumi("config", "rm", "infra-release:tags")
    return project


def up(program: Project, services: Astrago, component: str, number: int) -> Result:
    """The release step for a component's build with this number."""
    values = {
        "inputs.environment": STACK.partition(".")[2],
        "inputs.components": json.dumps([component]),
        "vars.PULUMI_BACKEND_URL": program.environment["PULUMI_BACKEND_URL"],
        "vars.RELEASE_ROLE": "arn:aws:iam::123456789012:role/release",
        "secrets.DEPLOY_TOKEN": services.keys.github,
        "secrets.ARGOCD_TOKEN": services.keys.argocd,
        "github.actor": world.USER,
        "secrets.GHCR_TOKEN": services.keys.registry,
    }
    commit = services.applications[world.SOURCES[component]].history(world.APPLICATION_BRANCH)[-1 - number]
    job = Job(WORKFLOW, "release", program.path, program.environment)
    assert job.run("Repository settings", values).code == 0
    return job.run("Up", values, GITHUB_SHA=commit)


@pytest.fixture
def at_rest(services: Astrago) -> Iterator[None]:
    yield
    services.argo.bad.clear()


@pytest.mark.thorough
def test_the_components_of_a_commit_are_released_and_the_others_keep_their_tags(
    program: Project, services: Astrago, at_rest: None
) -> None:
    done = up(program, services, "core", 2)
    assert done.code == 0, done.text
    assert program.output("tags") == {"core": services.tag("core", 2)}
    assert services.tag("core", 2).encode() in services.values()
    done = up(program, services, "frontend", 1)
    assert done.code == 0, done.text
    assert program.output("tags") == {"core": services.tag("core", 2), "frontend": services.tag("frontend", 1)}
    before = services.deployment.history(world.BRANCH)
    assert up(program, services, "frontend", 1).code == 0
    assert services.deployment.history(world.BRANCH) == before, "a repeated run changes nothing"

    services.argo.bad.add(services.tag("core", 3))
    failed = up(program, services, "core", 3)
    assert failed.code != 0 and "CrashLoopBackOff" in failed.text
    assert services.tag("core", 2).encode() in services.values()
    for secret in (services.keys.github, services.keys.argocd, services.keys.registry):
        assert secret not in failed.text


@pytest.mark.parametrize(("result", "what"), [("failure", "build"), ("success", "release")])
def test_a_failure_is_told_to_slack_and_on_the_page(checkout: Path, result: str, what: str) -> None:
    heard: list[dict[str, str]] = []

    def hear(call: Call) -> Reply:
        heard.append(json.loads(call.body))
        return Reply(status=200)

    environment = {"PATH": "/usr/bin:/bin", "NO_PROXY": "*"}
    job = Job(WORKFLOW, "notify", checkout, environment)
    run = {
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": world.BACKEND,
        "GITHUB_RUN_ID": "7",
        "GITHUB_SHA": SHA,
    }
    failed = "needs.build.result == 'failure' && 'build' || 'release'"
    values = {"inputs.environment": "stage", failed: "build" if result == "failure" else "release"}
    with LoopbackServer(hear) as server:
        done = job.run("Slack", {**values, "secrets.SLACK_WEBHOOK_URL": server.url}, **run)
    text = f"Astrago: the {what} of {world.BACKEND}@01234567 for astrago.stage failed. "
    text += f"https://github.com/{world.BACKEND}/actions/runs/7"
    assert done.code == 0, done.text
    assert heard == [{"text": text}] and f"::error::{text}" in done.text
    silent = job.run("Slack", {**values, "secrets.SLACK_WEBHOOK_URL": ""}, **run)
    assert silent.code == 0 and f"::error::{text}" in silent.text
