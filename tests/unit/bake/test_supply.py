"""What the local cloud supplies fits what the stacks ask for."""

import subprocess
from pathlib import Path

from localcloud.photo_api import mirror, supply
from stacks.photo_api_stages import NODE_EXPORTER_VERSION, VERSIONS
from tests.cloud import photo_api_supplies


def test_the_mirror_has_the_versions_that_the_stacks_ask_for() -> None:
    assert (mirror.EXPORTER_VERSION, mirror.AGENT_VERSION) == (NODE_EXPORTER_VERSION, VERSIONS["promtail"])
    assert photo_api_supplies.EXPORTER.startswith(mirror.EXPORTER.lstrip("/"))
    assert photo_api_supplies.AGENT.startswith(mirror.AGENT.lstrip("/"))
    pinned = Path(supply.__file__).parents[1] / "toolchain" / "node-exporter" / "go.mod"
    assert f"github.com/prometheus/node_exporter v{mirror.EXPORTER_VERSION} " in pinned.read_text()


def test_the_sample_is_planted_as_the_same_commit_and_what_is_there_stays(tmp_path: Path) -> None:
    commits = set()
    for name in ("one", "two"):
        assert supply.plant(tmp_path / name)
        commits.add(head(tmp_path / name))
    assert len(commits) == 1
    (tmp_path / "one" / "app" / "main.py").write_text("changed")
    assert not supply.plant(tmp_path / "one")
    assert (tmp_path / "one" / "app" / "main.py").read_text() == "changed"


def head(tree: Path) -> str:
    done = subprocess.run(["git", "-C", str(tree), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    return done.stdout
