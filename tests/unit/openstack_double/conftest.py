"""One cloud without Docker for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.openstack_double.cloud import Caller, cloud_of_tests


@pytest.fixture
def caller(tmp_path: Path) -> Iterator[Caller]:
    with cloud_of_tests(tmp_path) as found:
        yield found
