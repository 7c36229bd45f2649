"""The dynamic resources: what makes them another one, what is changed in place, and what is asked of the actions."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from components.release import bake_run, process, promotion, server_image
from components.release.bake_run import RunProvider
from components.release.promotion import PromotionProvider
from components.release.server_image import ImageProvider


class Actions:
    """Records what is run; answers as told."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, dict[str, str]]] = []
        self.answer: dict[str, Any] = {}

    def run(self, module: str, *words: str, variables: Mapping[str, str]) -> dict[str, Any]:
        self.ran.append((" ".join((module, *words)), dict(variables)))
        return self.answer


@pytest.fixture
def actions(monkeypatch: pytest.MonkeyPatch) -> Actions:
    made = Actions()
    monkeypatch.setattr(process, "run", made.run)
    for module in (bake_run, server_image, promotion):
        assert module.process is process
    return made


SETTINGS = {"OS_AUTH_URL": "https://i", "OS_TENANT_ID": "t", "RUNNER_CIDR": "192.0.2.1/32", "KEEP": "false"}
RUN = {"kind": "photo-api-bake", "recipe": "r1", "settings": SETTINGS}
MADE = {**dict.fromkeys(bake_run.MADE, "x"), "run": "run-1", "cidr": "192.0.2.1/32", "login_key": "secret"}


@pytest.mark.parametrize(
    ("changed", "replaces", "changes"),
    [
        ({}, [], False),
        ({"recipe": "r2"}, ["recipe"], True),
        ({"settings": {**SETTINGS, "OS_TENANT_ID": "u"}}, ["settings"], True),
        ({"settings": {**SETTINGS, "KEEP": "true"}}, [], True),
        ({"settings": {**SETTINGS, "RUNNER_CIDR": "192.0.2.2/32"}}, [], True),
    ],
)
def test_another_recipe_or_place_is_another_run(
    actions: Actions, changed: dict[str, Any], replaces: list[str], changes: bool
) -> None:
    found = RunProvider().diff("run-1", {**RUN, **MADE}, {**RUN, **changed})
    assert (found.replaces, found.changes) == (replaces, changes)


def test_a_runner_that_moved_is_let_in(actions: Actions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OS_PASSWORD", "x")
    asked = {**RUN, "settings": {**SETTINGS, "RUNNER_CIDR": "", "ADDRESS_URL": "https://address"}}
    actions.answer = {"cidr": "192.0.2.9/32"}
    state = {**asked, **MADE}
    assert RunProvider().diff("run-1", state, asked).changes
    assert (RunProvider().update("run-1", state, asked).outs or {})["cidr"] == "192.0.2.9/32"
    monkeypatch.delenv("OS_PASSWORD")
    assert not RunProvider().diff("run-1", state, asked).changes


def test_a_run_ends_by_its_name(actions: Actions) -> None:
    RunProvider().delete("run-1", {**RUN, **MADE})
    module, variables = actions.ran[0]
    assert module == "actions.end_run" and variables["RUN"] == "run-1" and variables["LOGIN_KEY"] == "secret"


IMAGE = {
    "server": "s1",
    "run": "run-1",
    "properties": {"bake_recipe": "r1", "bake_commit": "c1"},
    "tags": ["photo"],
    "settings": {"VISIBILITY": "private"},
}
SEEN = {"visibility": "private", "verified": False, "status": "active", "tags": ["photo"]}


@pytest.mark.parametrize(
    ("state", "changed", "replaces", "changes"),
    [
        ({}, {}, [], False),
        ({}, {"server": "s2"}, ["server"], True),
        ({}, {"properties": {"bake_recipe": "r2", "bake_commit": "c2"}}, ["properties"], True),
        ({}, {"properties": {"bake_recipe": "r1", "bake_commit": "c2"}}, [], False),
        ({}, {"tags": ["photo", "new"]}, [], True),
        ({"visibility": "shared"}, {}, [], True),
        ({"visibility": "shared", "verified": True}, {}, [], False),  # then it is the promotion's
    ],
)
def test_another_server_or_recipe_is_another_image(
    actions: Actions, state: dict[str, Any], changed: dict[str, Any], replaces: list[str], changes: bool
) -> None:
    found = ImageProvider().diff("i", {**IMAGE, **SEEN, **state}, {**IMAGE, **changed})
    assert (found.replaces, found.changes) == (replaces, changes)


def test_a_refresh_reads_the_image_and_forgets_one_that_is_gone(actions: Actions) -> None:
    actions.answer = {**SEEN, "tags": ["theirs"]}
    found = ImageProvider().read("i", {**IMAGE, **SEEN})
    assert found.id == "i" and found.inputs is not None and found.inputs["tags"] == ["theirs"]
    actions.answer = {}
    assert not ImageProvider().read("i", {**IMAGE, **SEEN}).id


def test_a_change_names_the_tags_it_replaces(actions: Actions) -> None:
    actions.answer = SEEN
    ImageProvider().update("i", {**IMAGE, **SEEN, "tags": ["old"]}, IMAGE)
    module, variables = actions.ran[0]
    assert module == "actions.server_image change"
    assert (json.loads(variables["OLD_TAGS"]), json.loads(variables["TAGS"])) == (["old"], ["photo"])


def test_an_image_is_made_with_everything_that_tells_where_it_comes_from(actions: Actions) -> None:
    actions.answer = {**SEEN, "image": "i", "image_name": "run-1", "size": 1, "steps": []}
    assert ImageProvider().create(IMAGE).id == "i"
    properties = json.loads(actions.ran[0][1]["PROPERTIES"])
    assert properties == {"bake_recipe": "r1", "bake_commit": "c1", "bake_run": "run-1"}


PROMOTED = {"image": "i", "checks": "health", "settings": {"VISIBILITY": "shared", "KEEP_IMAGES": "3"}}


def test_a_mark_taken_away_is_drift(actions: Actions) -> None:
    state = {**PROMOTED, "verified": True, "visibility": "shared"}
    provider = PromotionProvider()
    assert not provider.diff("i", state, PROMOTED).changes
    assert provider.diff("i", {**state, "verified": False}, PROMOTED).changes
    assert provider.diff("i", {**state, "visibility": "private"}, PROMOTED).changes
    assert provider.diff("i", state, {**PROMOTED, "image": "j"}).replaces == ["image"]
    actions.answer = {}
    assert not provider.read("i", state).id


def test_destroying_a_promotion_does_nothing(actions: Actions) -> None:
    PromotionProvider().delete("i", PROMOTED)
    assert actions.ran == []


def test_a_failing_action_is_its_last_sentence() -> None:
    with pytest.raises(RuntimeError, match="failed: OS_PASSWORD is not set"):
        process.run("actions.end_run", variables={"RUN": "x", "OS_PASSWORD": ""})
