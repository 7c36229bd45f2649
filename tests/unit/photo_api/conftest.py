"""A scripted OpenStack per test, and time that passes by itself."""

from collections.abc import Iterator

import pytest

from tests.unit.photo_api.openstack_server import Scripted, serve
from tests.virtual_clock import VirtualClock


@pytest.fixture
def cloud() -> Iterator[Scripted]:
    with serve() as scripted:
        yield scripted


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()
