"""Where a rollback of several tags leads."""

from typing import Any

import pytest

from ops.errors import OpsError
from ops.rollback_tags import plan_tags_rollback

NOW = {"core": "core-stage-2", "batch": "batch-stage-1"}
BEFORE = {"core": "core-stage-1", "batch": "batch-stage-1"}


def plan(**changed: Any) -> dict[str, str]:
    given: dict[str, Any] = {
        "configured": {"core": "core-stage-2"},
        "release": {"tags": NOW, "previous": {"tags": BEFORE}},
        "tag": None,
        "last_was_rollback": False,
    }
    return plan_tags_rollback(**{**given, **changed}).tags


def test_back_to_the_tags_before_and_only_those_that_differ() -> None:
    assert plan() == {"core": "core-stage-1"}


def test_after_a_failure_back_to_the_verified_ones() -> None:
    assert plan(configured={"core": "core-stage-3"}) == NOW


def test_a_named_tag_is_for_its_component() -> None:
    assert plan(tag="batch-stage-0") == {"batch": "batch-stage-0"}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"tag": "web-1"}, "begins with none of the components batch, core"),
        ({"release": {"tags": NOW, "previous": None}}, "the only verified tags"),
        ({"last_was_rollback": True}, "what the last rollback went to"),
    ],
)
def test_no_way_back(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(OpsError, match=sentence):
        plan(**changed)
