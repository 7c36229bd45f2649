"""One local cloud for the cloud tests of a worker."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.cloud.project import ROOT
from tests.cloud.session import LocalSession
from tests.ports import free_port


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
