"""A local cloud and plugin processes of the tests' own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.plugin import REPOSITORY, Plugin
from tests.ports import free_port


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a local cloud that lives as long as the tests."""
    home = tmp_path_factory.mktemp("cloud")
    localcloud = [sys.executable, "-m", "localcloud.aws"]
    start = [*localcloud, "start", "--home", str(home), "--port", str(free_port())]
    try:
        yield json.loads(subprocess.run(start, cwd=REPOSITORY, check=True, stdout=subprocess.PIPE).stdout)
    finally:
        subprocess.run([*localcloud, "stop", "--home", str(home)], cwd=REPOSITORY, check=True)


@pytest.fixture(scope="session")
def aws(cloud: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    """The aws plugin, configured with a region and one default tag."""
    with Plugin("aws", {**os.environ, **cloud}, tmp_path_factory.mktemp("plugin")) as plugin:
        plugin.configure({"region": "us-east-1", "defaultTags": '{"tags": {"system": "contract"}}'})
        yield plugin


@pytest.fixture
def stack_environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a Pulumi project with its own file backend; the engine and Python are those on PATH."""
    state = tmp_path / "state"
    state.mkdir()
    return {
        **os.environ,
        "PATH": f"{REPOSITORY / 'localcloud/plugins/bin'}{os.pathsep}{os.environ['PATH']}",
        "PULUMI_BACKEND_URL": state.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "contract",
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }
