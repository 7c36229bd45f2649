"""A bake and its test on the real engine, in a project and a state of their own."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import yaml

from actions.openstack.inventory import Inventory
from localcloud.photo_api import supply
from tests.cloud.cutting import actions_of, cut
from tests.cloud.openstack_servers import World
from tests.cloud.project import Project
from tests.waiting import until

BAKE, TEST = "photo-api.bake-local", "photo-api.test-local"
SECRETS = {"DATABASE_URL": "PHOTO_API_DATABASE_URL", "JWT_SECRET": "PHOTO_API_JWT_SECRET"}
VALUES = {"PHOTO_API_DATABASE_URL": "postgres://u:pa$$w0rd-of-the-db@db/x", "PHOTO_API_JWT_SECRET": "hush-hush-4711"}
END_SECONDS = 120.0


class Bakery:
    """`up` and `destroy` of both stacks, and what of a run is left."""

    def __init__(self, home: Path, world: World, **values: Any) -> None:
        self.world, self.source = world, home / "photo-api"
        self.project = Project(home, {**world.variables, **VALUES}, BAKE)
        supply.plant(self.source)
        shared = {
            "authUrl": world.variables["OS_AUTH_URL"],
            "cache": str(home.parent / "cache"),
            "artifacts": "artifacts",
            "secrets": SECRETS,
            **values,
        }
        self.configure(BAKE, source=str(self.source), mirror=world.mirror, **shared)
        self.configure(TEST, **shared)
        for stack in (TEST, BAKE):
            self.project.pulumi("stack", "select", "--create", stack)
        self.before = set(self.things())

    def configure(self, stack: str, **values: Any) -> None:
        """Writes values into the stack's file; None takes a key away."""
        file = self.project.path / "stacks" / f"Pulumi.{stack}.yaml"
        content = yaml.safe_load(file.read_text())
        for key, value in values.items():
            content["config"][f"infra-release:{key}"] = value
        content["config"] = {key: value for key, value in content["config"].items() if value is not None}
        file.write_text(yaml.safe_dump(content, sort_keys=False))

    def change(self, file: str, old: str, new: str) -> None:
        path = self.source / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def up(self, stack: str = BAKE, *, check: bool = True) -> str:
        return self.project.up("--stack", stack, check=check).stdout

    def fails(self, stack: str = BAKE) -> str:
        """What an update says that has to fail."""
        done = self.project.up("--stack", stack, check=False)
        assert done.returncode != 0, done.stdout[-3000:]
        return done.stdout

    def destroy(self, *stacks: str) -> str:
        return "".join(
            self.project.pulumi("destroy", "--yes", "--skip-preview", "--stack", stack).stdout
            for stack in stacks or (TEST, BAKE)
        )

    def outputs(self, stack: str = BAKE) -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load(
            self.project.pulumi("stack", "output", "--json", "--stack", stack).stdout
        )
        return found

    def things(self) -> list[str]:
        """Everything in the cloud that carries the name of a run, verified images aside."""
        inventory = Inventory(self.world.cloud, self.world.clock)
        return [str(thing) for thing in inventory.take(lambda name: name.startswith("photo-api-"))]

    def left(self) -> set[str]:
        """What there is now and was not when this bakery opened."""
        return set(self.things()) - self.before

    def kill_at(self, line: str) -> str:
        """kill -9 of the engine when it prints `line`; what it printed, once nothing of it runs any more."""
        printed = cut(self.project, line, lambda engine: os.kill(engine, signal.SIGKILL))
        until(lambda: not self._running(), "the end of what the engine had started", END_SECONDS)
        self.project.run("python", "-m", "ops.unlock", BAKE, "--clear-pending")
        return printed

    def _running(self) -> list[int]:
        """Actions that work; plugins that wait for an engine that is gone are ended here."""
        working = actions_of(self.project, "actions.")
        if not working:
            for process in actions_of(self.project, "pulumi"):
                os.kill(process, signal.SIGKILL)
        return working

    def state(self, stack: str = BAKE) -> str:
        return self.project.pulumi("stack", "export", "--stack", stack).stdout


def files_of(image: str, wanted: list[str]) -> str:
    """The files in an image's file system that hold one of the texts, by a search of its own."""
    expressions = [part for text in wanted for part in ("-e", text)]
    places = ["/etc", "/opt", "/root", "/home", "/var", "/usr/local", "/srv", "/tmp"]
    command = ["docker", "run", "--rm", "--network", "none", "--entrypoint", "grep", image]
    done = subprocess.run(
        [*command, "-rlF", *expressions, *places], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode in (0, 1, 2), done.stderr
    return done.stdout
