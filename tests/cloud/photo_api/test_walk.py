"""From source to promoted image on the real engine: two bakes at once, one good, one broken, and all that follows."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from actions.openstack.images import Images
from tests.cloud.openstack_servers import World
from tests.cloud.photo_api.bakery import BAKE, TEST, VALUES, Bakery, files_of
from tests.cloud.photo_api.conftest import open_bakery
from tests.cloud.process_list import ProcessList


@dataclass(frozen=True, kw_only=True)
class Bakes:
    """Two of them at once; in the broken one `/metrics` says nothing, which no build looks at."""

    good: Bakery
    broken: Bakery
    seen: list[str]  # command lines while they ran


@pytest.fixture(scope="module")
def bakes(home: Path, world: World) -> Iterator[Bakes]:
    good = open_bakery(home, world, "good")
    good.configure(BAKE, tags=["photo-api"])
    broken = open_bakery(home, world, "broken", profile="compromise")
    broken.change("app/main.py", "generate_latest()", 'b""')
    broken.configure(TEST, timeouts={"health": 10})
    with ProcessList() as seen, ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(bakery.up) for bakery in (good, broken)]:
            done.result()
    yield Bakes(good=good, broken=broken, seen=seen)
    for bakery in (good, broken):
        bakery.destroy()


def test_two_bakes_at_once_have_no_name_in_common(bakes: Bakes) -> None:
    runs = [bakery.outputs()["run"] for bakery in (bakes.good, bakes.broken)]
    images = [bakery.outputs()["imageId"] for bakery in (bakes.good, bakes.broken)]
    assert len(set(runs)) == len(set(images)) == 2
    for bakery, run in zip((bakes.good, bakes.broken), runs, strict=True):
        servers = [server for server in bakery.world.servers.named(run)]
        assert [server.status for server in servers] == ["SHUTOFF"]


def test_what_it_took_is_told_and_drawn(bakes: Bakes) -> None:
    outputs = bakes.good.outputs()
    assert "critical path" in outputs["summary"] or outputs["proof"]["critical_path"][0] == "run"
    picture = bakes.good.project.path / outputs["picture"]
    assert picture.read_text().startswith("<svg")


def test_nothing_changed_means_nothing_runs(bakes: Bakes) -> None:
    bakes.good.project.up("--stack", BAKE, "--expect-no-changes")


def test_a_refresh_sees_no_drift_in_what_was_stopped_and_imaged(bakes: Bakes) -> None:
    bakes.good.project.up("--stack", BAKE, "--refresh", "--expect-no-changes")


def test_no_secret_is_in_state_image_or_process_list(bakes: Bakes) -> None:
    state, lines = bakes.good.state(), "\n".join(bakes.seen)
    password = bakes.good.world.variables["OS_PASSWORD"]
    for secret in (*VALUES.values(), password):
        assert secret not in state and secret not in lines
    assert "PRIVATE KEY" not in state and "PRIVATE KEY" not in lines
    assert files_of(docker_image(bakes.good), list(VALUES.values())) == ""


def docker_image(bakery: Bakery) -> str:
    return f"infra-release/openstack:{bakery.outputs()['imageId']}"


def test_a_broken_image_fails_by_the_name_of_its_check_and_is_not_promoted(bakes: Bakes) -> None:
    said = bakes.broken.fails(TEST)
    assert "metrics" in said and "NG" in said, said[-3000:]
    image = Images(bakes.broken.world.cloud).find(bakes.broken.outputs()["imageId"])
    assert image is not None and not image.verified and image.visibility == "private"
    bakes.broken.destroy()
    assert bakes.broken.left() - bakes.good.left() == set()
    assert Images(bakes.broken.world.cloud).find(image.id) is None


def test_a_good_image_is_promoted_and_outlives_both_stacks(bakes: Bakes) -> None:
    good = bakes.good
    good.up(TEST)
    outputs = good.outputs(TEST)
    assert set(json.loads(outputs["checks"]) if isinstance(outputs["checks"], str) else outputs["checks"]) >= {
        "health",
        "leftovers",
        "log_agent",
        "metrics",
        "node_exporter",
        "time",
    }
    image = Images(good.world.cloud).find(outputs["imageId"])
    assert image is not None and image.verified and "photo-api" in image.tags
    for key in ("bake_recipe", "bake_commit", "bake_requirements", "bake_base", "bake_time", "bake_run"):
        assert image.properties[key]
    good.destroy()
    assert good.left() == set()
    assert Images(good.world.cloud).find(image.id) is not None


def test_the_same_recipe_is_neither_baked_nor_tested_again(bakes: Bakes) -> None:
    good = bakes.good
    said = good.up()
    assert "which is verified: nothing to bake" in said
    assert good.outputs()["reused"] is True and good.left() == set()
    assert "nothing to test" in good.up(TEST)


@pytest.mark.thorough
def test_the_test_alone_can_be_run_again_on_a_promoted_image(bakes: Bakes) -> None:
    good = bakes.good
    before, image = good.left(), good.outputs()["imageId"]
    good.configure(TEST, bakeStack=None, image=image)
    good.up(TEST)
    assert good.outputs(TEST)["tested"] is True
    good.destroy(TEST)
    assert good.left() == before - {f"image {image}"}  # which is promoted now, and so nothing that is left


def test_a_preview_names_the_commit_and_what_the_cache_holds(bakes: Bakes) -> None:
    good = bakes.good
    good.change("app/__init__.py", "photo-api", "photo-api!")
    said = good.project.pulumi("preview", "--stack", BAKE).stdout
    assert "-dirty" in said or good.outputs()["commit"][:12] in said
    assert "is not baked yet; from the cache: " in said and "wheels" in said.partition("from the cache: ")[2]
