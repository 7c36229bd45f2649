"""Speed of a bake as ratios within one run: against the document's steps on the same cloud with the same latencies,
and against the critical path of its own graph.

At this scale the document's polls and its sleep of 60 s weigh more than on a real cloud, where the server's own work
takes minutes: what its own figures promise there is the simulation below.
"""

import re
import tarfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from actions.bake.wheels import Wheelhouse
from actions.lifeline import Cancellation
from localcloud.photo_api import supply
from tests.bench.documents_minutes import cases, table
from tests.bench.documents_steps import Sequence
from tests.bench.ratios import report, seconds
from tests.cloud.openstack_servers import World, running
from tests.cloud.photo_api.bakery import BAKE, TEST, Bakery
from tests.cloud.photo_api_supplies import publish
from tests.unit.bake.http_files import HttpFiles

# Seconds, for both sides alike; a real cloud takes a few times as long for each.
LATENCIES = {"boot": 5, "image": 6, "settle": 1, "stop": 1, "delete": 1, "request": 0.02}
WHEEL_SECONDS = 0.35  # before each wheel; the document downloads for half as long as its instance takes
AGENTS = {
    **{"NODE_EXPORTER": "1.9.1", "NODE_EXPORTER_SHA256": "published"},
    **{"LOG_AGENT": "promtail", "LOG_AGENT_VERSION": "3.5.7", "LOG_AGENT_SHA256": "published"},
}
UNCHANGED_SECONDS = 5.0


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def world(home: Path) -> Iterator[World]:
    publish(home / "mirror")
    with running(home) as world:
        world.control("latencies", LATENCIES)
        yield world


@pytest.fixture(scope="module")
def index(home: Path) -> Iterator[str]:
    """A package index that takes its time, with the wheels of the sample."""
    requirements = supply.SOURCE / "requirements.txt"
    house = Wheelhouse.of({"REQUIREMENTS": str(requirements), "CACHE": str(home / "index")})
    with tarfile.open(house.made(Cancellation()).path) as wheels, HttpFiles() as files:
        for wheel in wheels:
            content = wheels.extractfile(wheel)
            assert content is not None
            package = re.sub(r"[-_.]+", "-", wheel.name.partition("-")[0]).lower()
            files.files[f"/simple/{package}/"] = f'<a href="/files/{wheel.name}">{wheel.name}</a>'.encode()
            files.files[f"/files/{wheel.name}"] = partial(slowly, content.read())
        yield f"{files.url}/simple"


def slowly(content: bytes) -> tuple[int, bytes]:
    time.sleep(WHEEL_SECONDS)
    return 200, content


@pytest.fixture(scope="module")
def bakery(home: Path, world: World, index: str) -> Iterator[Bakery]:
    place = home / "bakery"
    place.mkdir()
    opened = Bakery(place, world, profile="full", secrets=None)
    opened.configure(BAKE, indexUrl=index)
    yield opened
    opened.destroy()


@pytest.fixture(scope="module")
def documents(home: Path, world: World, bakery: Bakery, index: str) -> float:
    """Seconds of the document's way, with nothing in a cache, as it has none."""
    place = home / "documents"
    place.mkdir()
    source = bakery.source
    given = {"CACHE": str(place / "cache"), "SOURCE": str(source), "REQUIREMENTS": str(source / "requirements.txt")}
    sequence = Sequence(world, {**given, **AGENTS, "MIRROR": world.mirror, "INDEX_URL": index}, place)
    took = sequence.run()
    print(f"\nthe document's steps: {sequence.steps}")
    return took


def bake_and_test(bakery: Bakery) -> float:
    """Seconds until the image is promoted; what is temporary goes afterwards, as `make up` does it."""
    began = time.monotonic()
    bakery.up(BAKE)
    bakery.up(TEST)
    took = time.monotonic() - began
    for stack in (BAKE, TEST):
        print(f"\n{bakery.outputs(stack)['summary']}")
    print(f"and everything temporary gone in another {seconds(lambda: bakery.destroy(TEST, BAKE)):.1f} s")
    return took


def test_cold_warm_and_unchanged(bakery: Bakery, documents: float) -> None:
    cold = bake_and_test(bakery)
    report("cold, against the document's steps", cold, documents, 1 / 2)
    bakery.change("app/main.py", "The sample service", "The sample service, changed")
    warm = bake_and_test(bakery)
    report("packages cached, against the document's steps", warm, documents, 1 / 3)
    unchanged = seconds(lambda: bakery.up(BAKE)) + seconds(lambda: bakery.up(TEST))
    print(f"\nan unchanged recipe: {unchanged:.1f} s (limit {UNCHANGED_SECONDS})")
    assert unchanged <= UNCHANGED_SECONDS


def test_wall_time_against_the_critical_path(bakery: Bakery) -> None:
    bakery.change("app/main.py", "The sample service", "The sample service, changed again")
    up = seconds(lambda: bakery.up(BAKE))
    proof = bakery.outputs(BAKE)["proof"]
    print(f"\n`pulumi up` as a whole: {up:.1f} s")
    report("the bake, against its critical path", proof["seconds"], proof["critical_seconds"], 1.15)


def test_the_documents_minutes_as_a_simulation() -> None:
    found = cases()
    print(f"\n{table(found)}")
    assert found[-1].most < found[0].most and found[-1].least < found[0].least
