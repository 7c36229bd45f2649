"""Where a rollback goes, by table."""

from typing import Any

import pytest

from ops.errors import OpsError
from ops.rollback import last_asked, plan_rollback

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


KEY = "infra:imageTag"


def update(kind: str = "update", tag: str | None = None) -> dict[str, Any]:
    return {"kind": kind, "result": "failed", "config": {KEY: {"value": tag, "secret": False}} if tag else {}}


@pytest.mark.parametrize(
    ("history", "tag"),
    [
        ([update(tag="v3"), update(tag="v2")], "v3"),
        ([update("refresh"), update(tag="v3")], "v3"),
        ([update(), update(tag="v3")], None),  # the newest one kept what was released
        ([], None),
        (None, None),
    ],
)
def test_the_tag_asked_for_last(history: Any, tag: str | None) -> None:
    assert last_asked(history, KEY) == tag
