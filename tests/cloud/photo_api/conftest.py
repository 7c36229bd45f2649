"""One local OpenStack for these tests, and a bakery per test that wants its own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.openstack_servers import World, running
from tests.cloud.photo_api.bakery import Bakery
from tests.cloud.photo_api_supplies import publish

Open = Callable[..., Bakery]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("photo-api")


@pytest.fixture(scope="session")
def world(home: Path) -> Iterator[World]:
    publish(home / "mirror")
    with running(home) as world:
        yield world


@pytest.fixture
def bakery(home: Path, world: World, request: pytest.FixtureRequest) -> Iterator[Bakery]:
    """A small one, without agents; whatever a test left is destroyed."""
    opened = open_bakery(home, world, request.node.name, profile="compromise")
    yield opened
    world.calm()
    if opened.left():
        opened.destroy()


def open_bakery(home: Path, world: World, name: str, **values: Any) -> Bakery:
    """`name` may be that of a test; bakeries share a cache."""
    place = home / "".join(letter if letter.isalnum() else "-" for letter in name)
    place.mkdir()
    return Bakery(place, world, **values)
