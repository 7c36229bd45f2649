"""One local cloud for the cloud tests of a worker; the tests of one folder share a worker, its cloud and its stack."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud.project import ROOT
from tests.cloud.session import LocalSession
from tests.ports import free_port

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A folder's stack is expensive: one worker runs all of the folder's tests."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.xdist_group(item.path.relative_to(HERE).parts[0]))


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a running local cloud, ended with everything it started."""
    home = tmp_path_factory.mktemp("cloud")
    command = [sys.executable, "-m", "localcloud.aws"]
    started = subprocess.run(
        [*command, "start", "--home", str(home), "--port", str(free_port())],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    try:
        yield json.loads(started.stdout)
    finally:
        subprocess.run([*command, "stop", "--home", str(home)], cwd=ROOT, check=True)


@pytest.fixture(scope="session")
def aws(cloud: dict[str, str]) -> LocalSession:
    return LocalSession(cloud)
