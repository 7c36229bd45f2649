"""End a run: everything that carries its name is removed and seen to be gone; what is left is a failure by name.

By hand: `python -m actions.end_run NAME` with OS_* in the environment.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from actions import running
from actions.clock import Clock
from actions.environment import text
from actions.openstack import credentials
from actions.openstack.client import OpenStack
from actions.openstack.inventory import Inventory
from actions.openstack.removal import Removal
from actions.progress import Progress

CLEANUP_SECONDS = "300"


def end(environment: Mapping[str, str], clock: Clock, progress: Progress) -> dict[str, Any]:
    run = text("RUN", environment)
    cloud = OpenStack(credentials.from_environment(environment))
    if environment.get("KEEP") == "true":
        return keep(run, Inventory(cloud, clock), environment, progress)
    seconds = float(environment.get("CLEANUP_SECONDS", CLEANUP_SECONDS))
    removed = Removal(Inventory(cloud, clock), clock, progress).all_of(run, seconds)
    progress.say(f"nothing is left of {run}")
    return {"run": run, "removed": removed}


def keep(run: str, inventory: Inventory, environment: Mapping[str, str], progress: Progress) -> dict[str, Any]:
    """Nothing is removed; says how to reach what stays, and how to remove it."""
    key = Path(text("CACHE", environment)).expanduser() / f"{run}.key"
    key.parent.mkdir(parents=True, exist_ok=True)
    key.touch(mode=0o600)
    key.write_text(text("LOGIN_KEY", environment))
    things = inventory.take(lambda name: name == run)
    addresses = [thing.id for thing in things if thing.kind == "floating IP"]
    for address in addresses:
        progress.say(f"kept: ssh -i {key} {environment['SSH_USER']}@{address}")
    progress.say(f"to remove {', '.join(map(str, things)) or 'it'}: python -m actions.end_run {run}")
    return {"run": run, "removed": [], "kept": [str(thing) for thing in things]}


if __name__ == "__main__":
    named = {"RUN": sys.argv[1]} if len(sys.argv) > 1 else {}
    sys.exit(running.run(lambda clock, progress: end({**os.environ, **named}, clock, progress)))
