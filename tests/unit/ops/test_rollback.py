"""Where a rollback goes, by table."""

from typing import Any

import pytest

from ops.errors import OpsError
from ops.rollback import LastUpdate, last_update, plan_rollback

FIRST: dict[str, Any] = {"image_tag": "v1", "digest": "sha256:1", "previous": None}
SECOND: dict[str, Any] = {
    "image_tag": "v2",
    "digest": "sha256:2",
    "previous": {"image_tag": "v1", "digest": "sha256:1"},
}


@pytest.mark.parametrize(
    ("configured", "release", "tag", "target"),
    [
        ("v2", SECOND, None, "v1"),  # all is well and v2 is to go
        (None, SECOND, None, "v1"),  # the same, with the tag kept by the state
        ("v3", SECOND, None, "v2"),  # v3 failed: v2 is the last that was verified
        ("v2", SECOND, "v0", "v0"),
        ("v3", FIRST, None, "v1"),
        (None, None, "v7", "v7"),
    ],
)
def test_target(configured: str | None, release: dict[str, Any] | None, tag: str | None, target: str) -> None:
    assert plan_rollback(configured=configured, release=release, tag=tag).tag == target


@pytest.mark.parametrize(
    ("configured", "release", "tag", "sentence"),
    [
        ("v1", None, None, "nothing has been released on this stack yet"),
        ("v1", FIRST, None, "v1 is the only verified release"),
        (None, FIRST, None, "v1 is the only verified release"),
        ("v1", SECOND, "v1; rm -rf /", "is not an image tag"),
        ("v1", SECOND, "--tag", "is not an image tag"),
        ("v1", {"digest": "sha256:1"}, None, "names no image tag"),
        ("v2", {**SECOND, "previous": {"image_tag": "v2"}}, None, "has the same tag"),
        ("v2", {**SECOND, "previous": "v1"}, None, "names no image tag"),
    ],
)
def test_refusal(configured: str | None, release: dict[str, Any] | None, tag: str | None, sentence: str) -> None:
    with pytest.raises(OpsError, match=sentence):
        plan_rollback(configured=configured, release=release, tag=tag)


@pytest.mark.parametrize(
    ("configured", "last", "target"),
    [
        (None, LastUpdate(tag="v3"), "v2"),  # a workflow's v3 failed: v2 serves, and v1 would be one too far
        (None, LastUpdate(tag="v2"), "v1"),
        (None, LastUpdate(), "v1"),
        ("v2", LastUpdate(tag="v3"), "v1"),  # the file was set after that failure
        ("v1", LastUpdate(tag="v1", failed=True), "v2"),  # a release of v1 that failed, not a rollback
        ("v3", LastUpdate(tag="v1", rollback=True, failed=True), "v2"),  # the file was set after that rollback
    ],
)
def test_the_newest_update_counts_where_nothing_is_configured(
    configured: str | None, last: LastUpdate, target: str
) -> None:
    assert plan_rollback(configured=configured, release=SECOND, tag=None, last=last).tag == target


@pytest.mark.parametrize(
    ("configured", "release", "failed", "target"),
    [
        ("v1", SECOND, "v1", "v1"),  # v2 is verified but bad: not there
        (None, SECOND, "v1", "v1"),  # the same in a workflow
        ("v0", SECOND, "v0", "v0"),  # one that had been named
        ("v2", SECOND, "v2", "v2"),  # after a failed release of v3, and also when v2 serves already: never further
        ("v1", FIRST, "v1", "v1"),
    ],
)
def test_a_rollback_that_failed_is_repeated(
    configured: str | None, release: dict[str, Any], failed: str, target: str
) -> None:
    last = LastUpdate(tag=failed, rollback=True, failed=True)
    planned = plan_rollback(configured=configured, release=release, tag=None, last=last)
    assert (planned.tag, planned.because) == (target, "the rollback that did not succeed")
    assert plan_rollback(configured=configured, release=release, tag="v7", last=last).tag == "v7"


def test_a_second_rollback_does_not_return_to_what_the_first_one_left() -> None:
    last = LastUpdate(tag="v2", rollback=True)
    with pytest.raises(OpsError, match="v2 is what the last rollback went to, and v1 is what it left"):
        plan_rollback(configured=None, release=SECOND, tag=None, last=last)
    assert plan_rollback(configured=None, release=SECOND, tag="v1", last=last).tag == "v1"


KEY = "infra:imageTag"


def update(
    kind: str = "update", tag: str | None = None, message: str = "", result: str = "succeeded"
) -> dict[str, Any]:
    config = {KEY: {"value": tag, "secret": False}} if tag else {}
    return {"kind": kind, "result": result, "message": message, "config": config}


@pytest.mark.parametrize(
    ("history", "last"),
    [
        ([update(tag="v3"), update(tag="v2")], LastUpdate(tag="v3")),
        ([update("refresh"), update(tag="v3")], LastUpdate(tag="v3")),
        ([update(), update(tag="v3")], LastUpdate()),  # the newest one kept what was released
        ([update(tag="v1", message="rollback to v1: asked for by name")], LastUpdate(tag="v1", rollback=True)),
        (
            [update(tag="v1", message="rollback to v1: …", result="failed")],
            LastUpdate(tag="v1", rollback=True, failed=True),
        ),
        ([update(tag="v3", result="in-progress")], LastUpdate(tag="v3", failed=True)),
        ([], LastUpdate()),
        (None, LastUpdate()),
    ],
)
def test_the_newest_update(history: Any, last: LastUpdate) -> None:
    assert last_update(history, KEY) == last
