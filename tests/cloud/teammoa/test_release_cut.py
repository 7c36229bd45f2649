"""Killed anywhere: the next `pulumi up` heals and finishes, users notice nothing, no rule for SSH remains."""

import os
import signal
from typing import Any

import pytest

from tests.cloud.cutting import actions_of, cut, kill_actions
from tests.cloud.load import Load
from tests.cloud.teammoa.conftest import STACK
from tests.cloud.teammoa.fleet import Fleet
from tests.waiting import until

ACTION = "actions.release_rolling"
# What `pulumi up` has just printed when it is cut.
MOMENTS = {
    "preflight": "OK  image",
    "planned": "waves: web-1 | web-2",
    "staging": "staging on 2 hosts",
    "migrating": "migrating on web-1",
    "first drained": "web-1: out of service",
    "first in service": "web-1: in service",
    "second drained": "web-2: out of service",
    "second in service": "web-2: in service",
    "verified": "verified:",
}


def sampled(*ordinary: str) -> list[Any]:
    return [moment if moment in ordinary else pytest.param(moment, marks=pytest.mark.thorough) for moment in MOMENTS]


@pytest.mark.parametrize("moment", sampled("second drained"))
def test_a_killed_action_is_mended_by_the_next_up(released: Fleet, other: str, moment: str) -> None:
    project = released.project
    project.set("imageTag", other)
    with Load(f"{released.url}/", rate=15, authorities=released.authorities) as count:
        cut(project, MOMENTS[moment], lambda _: kill_actions(project, ACTION))
        project.run("python", "-m", "ops.unlock", STACK)
        project.up()
    assert count.failed == 0, count.answers
    assert_finished(released, other)


@pytest.mark.thorough
@pytest.mark.parametrize("moment", ["staging", "first drained", "second in service"])
def test_a_killed_engine_is_mended_by_the_next_up(released: Fleet, other: str, moment: str) -> None:
    """Its action undoes or finishes by itself: one whole version either way, and the next `pulumi up` finishes."""
    project = released.project
    project.set("imageTag", other)
    with Load(f"{released.url}/", rate=15, authorities=released.authorities) as count:
        cut(project, MOMENTS[moment], lambda engine: os.kill(engine, signal.SIGKILL))
        until(lambda: not actions_of(project, ACTION), "the action ends after its engine died", 180)
        assert len(released.digests()) == 1
        project.run("python", "-m", "ops.unlock", STACK)
        project.up()
    assert count.failed == 0, count.answers
    assert_finished(released, other)


@pytest.mark.thorough
def test_an_interrupt_undoes_the_release_and_fails(released: Fleet, other: str) -> None:
    project, before = released.project, released.project.output("release")
    project.set("imageTag", other)
    with Load(f"{released.url}/", rate=15, authorities=released.authorities) as count:
        output = cut(project, MOMENTS["first in service"], lambda engine: os.kill(engine, signal.SIGINT))
    assert "undone: " in output, output[-3000:]
    assert count.failed == 0, count.answers
    assert project.output("release") == before
    assert released.whole() and not released.rules_for_ssh() and not actions_of(project, ACTION)


def assert_finished(fleet: Fleet, tag: str) -> None:
    """The tag is verified, recorded, and on every host; no held lock, no open port, no process."""
    assert fleet.project.output("release")["image_tag"] == tag
    assert fleet.whole()
    assert not fleet.rules_for_ssh()
    lock = fleet.aws.client("dynamodb").get_item(TableName="TeamMoa-releases", Key={"id": {"S": "lock"}})["Item"]
    assert lock["expires"]["N"] == "0"
    assert not actions_of(fleet.project, ACTION)
