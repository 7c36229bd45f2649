"""A cloud, the sample as a git tree, a mirror with small programs in place of the agents, and a cache."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localcloud.photo_api import supply
from tests.cloud.openstack_servers import Machine, World, action, running
from tests.cloud.photo_api_supplies import publish

SECRET = 'pass$word"of`the\\database'
LONGEST_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """What all bakes of these tests share."""

    world: World
    given: Mapping[str, str]

    def run(self, module: str, machine: Machine | None = None, **change: str) -> dict[str, Any]:
        """What an action observed; its words are the reason when it failed."""
        process = action(module, self.environment(machine, **change))
        out, errors = process.communicate(timeout=LONGEST_SECONDS)
        assert process.returncode == 0, errors
        found: dict[str, Any] = json.loads(out)
        return found

    def refused(self, module: str, machine: Machine, **change: str) -> str:
        """What an action said that had to fail."""
        process = action(module, self.environment(machine, **change))
        out, errors = process.communicate(timeout=LONGEST_SECONDS)
        assert process.returncode == 1 and not out, errors
        return errors

    def environment(self, machine: Machine | None, **change: str) -> dict[str, str]:
        return {**self.world.variables, **self.given, **(machine.environment if machine else {"RUN": "r"}), **change}

    def parts(self) -> dict[str, str]:
        """What the three that need no server print."""
        modules = {"WHEELS": "wheels", "AGENTS": "agents", "SOURCE_PART": "source"}
        return {variable: json.dumps(self.run(f"actions.bake.{name}")) for variable, name in modules.items()}


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bake")


@pytest.fixture(scope="session")
def world(home: Path) -> Iterator[World]:
    publish(home / "mirror")
    with running(home) as world:
        yield world


@pytest.fixture(scope="session")
def workshop(home: Path, world: World) -> Workshop:
    supply.plant(home / "photo-api")
    given = {
        **{"CACHE": str(home / "cache"), "SOURCE": str(home / "photo-api"), "MIRROR": world.mirror},
        **{"REQUIREMENTS": str(home / "photo-api" / "requirements.txt"), "HEALTH_SECONDS": "40"},
        **{"NODE_EXPORTER": "1.9.1", "NODE_EXPORTER_SHA256": "published"},
        **{"LOG_AGENT": "promtail", "LOG_AGENT_VERSION": "3.5.7", "LOG_AGENT_SHA256": "published"},
        **{"SECRETS": json.dumps({"DATABASE_URL": "PHOTO_DATABASE"}), "PHOTO_DATABASE": SECRET},
    }
    return Workshop(world=world, given=given)


@pytest.fixture(autouse=True)
def calm(world: World) -> Iterator[None]:
    yield
    world.calm()
