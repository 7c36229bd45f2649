"""`python -m actions.bake.prepare`: the server answers, its first boot is over, the packages it lacks are installed.

Runs while wheels and agents are still being fetched.
"""

import os
from collections.abc import Mapping
from typing import Any

from actions.bake import part
from actions.bake.part import Part
from actions.bake.server import Login, Server, number, pairs
from actions.lifeline import Cancellation
from actions.progress import Progress

PACKAGES = "python3.11"


def prepare(
    environment: Mapping[str, str], this: Part, cancellation: Cancellation, progress: Progress
) -> dict[str, Any]:
    """What the server has now. Raises `HostError`."""
    began = number("BEGAN", this.began, environment, float)
    this.add("server", min(began, this.began), this.began, after=["run"])
    boot = number("BOOT_SECONDS", 300.0, environment, float)
    with Server(Login.of(environment), boot, cancellation) as server:
        with this.step("ssh", after=["server"]):
            server.reach()
        progress.say(f"{server.name}: answers, and shows the host key of this run")
        with this.step("prepare", after=["ssh"]):
            seen = pairs(
                server.run(
                    "prepare",
                    number("INSTALL_SECONDS", 1200.0, environment, float),
                    PACKAGES=(environment.get("PACKAGES") or PACKAGES).replace(",", " "),
                    PYTHON=environment.get("PYTHON") or "python3.11",
                    BOOT_SECONDS=str(int(boot)),
                ).out
            )
    progress.say(f"{server.name}: Python {seen['python']}, {seen['installed'] or 'no package'} installed")
    return this.done(installed=seen["installed"].split(), python=seen["python"])


def work(cancellation: Cancellation, progress: Progress) -> dict[str, Any]:
    return prepare(os.environ, Part(), cancellation, progress)


if __name__ == "__main__":
    part.main(work)
