"""Production's way: a change waits for its reviewers, and the stack agrees with the branch before and after."""

import re

import pytest

from actions.github import Rest
from localcloud.astrago import world
from localcloud.astrago.world import Astrago
from localcloud.github.model import Pull
from tests.cloud.project import Project

pytestmark = pytest.mark.thorough  # the action's own tests propose in every run

STACK = "astrago.prod"
BRANCH = "prod"


@pytest.fixture(scope="module")
def prod(services: Astrago, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Production's own values, with the registry of the test."""
    project = Project(tmp_path_factory.mktemp("prod"), services.variables(), STACK)
    project.pulumi("stack", "select", "--create", STACK)
    project.set("registry", services.registry.host)
    return project


def pulls(services: Astrago) -> list[Pull]:
    return list(services.world.repositories[world.DEPLOYMENT].opened.values())


def in_branch(services: Astrago, tag: str) -> list[bool]:
    """Whether the branch says so, for each customer."""
    files = [services.deployment.content(BRANCH, world.VALUES.format(customer=name)) for name in world.CUSTOMERS]
    return [file is not None and tag.encode() in file[1] for file in files]


def merge(services: Astrago, number: int) -> None:
    rest = Rest(api_url=services.github.url, token=services.keys.github, right="merging needs `contents: write`")
    rest.call("PUT", f"/repos/{world.DEPLOYMENT}/pulls/{number}/merge")


def test_a_change_waits_for_its_merge_and_is_the_stacks_from_then_on(prod: Project, services: Astrago) -> None:
    tag = services.tag("core", 0)
    prod.set("tags.core", tag)
    prod.up()
    (pull,) = pulls(services)
    assert prod.output("release")["pull_request"].endswith(f"/pull/{pull.number}")
    assert (pull.base, in_branch(services, tag)) == (BRANCH, [False, False])
    prod.up("--expect-no-changes")

    waiting = prod.pulumi("preview", "--refresh", "--diff").stdout
    assert re.search(rf'core.*"core-stage-ba01" => "{tag}"', waiting), waiting
    again = prod.up("--refresh").stdout
    assert "already proposed" in again and len(pulls(services)) == 1

    merge(services, pull.number)
    assert in_branch(services, tag) == [True, True]
    prod.pulumi("refresh", "--yes", "--expect-no-changes")
    prod.up("--expect-no-changes")


def test_a_proposal_that_was_closed_is_made_again_by_the_next_refreshed_up(prod: Project, services: Astrago) -> None:
    tag = services.tag("core", 1)
    prod.set("tags.core", tag)
    prod.up()
    closed = pulls(services)[-1]
    closed.state = "closed"
    prod.up("--expect-no-changes")
    prod.up("--refresh")
    made = pulls(services)[-1]
    assert made.number > closed.number and made.state == "open"
    merge(services, made.number)
    assert in_branch(services, tag) == [True, True]


def test_back_is_a_proposal_as_well(prod: Project, services: Astrago) -> None:
    prod.run("python", "-m", "ops.rollback", STACK)
    made = pulls(services)[-1]
    assert services.tag("core", 0) in made.title and made.state == "open"
    merge(services, made.number)
    prod.pulumi("refresh", "--yes", "--expect-no-changes")
    assert in_branch(services, services.tag("core", 0)) == [True, True]
