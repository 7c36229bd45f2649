"""`python -m actions.bake.prepare`: the server answers, its first boot is over, the packages it lacks are installed.

Runs while wheels and agents are still being fetched.
"""

import os
from collections.abc import Mapping
from typing import Any

from actions.bake import part
from actions.bake.arrival import Arrival
from actions.bake.part import Part
from actions.bake.server import Login, Server, number, pairs
from actions.clock import RealClock
from actions.lifeline import Cancellation
from actions.openstack.servers import servers_from_environment
from actions.progress import Progress

PACKAGES = "python3.11"
BOOT_SECONDS = 300.0


def prepare(server: Server, environment: Mapping[str, str]) -> dict[str, str]:
    """What the server has now: `installed` and `python`. May be repeated; raises `HostError`."""
    done = server.run(
        "prepare",
        number("INSTALL_SECONDS", 1200.0, environment, float),
        PACKAGES=(environment.get("PACKAGES") or PACKAGES).replace(",", " "),
        PYTHON=environment.get("PYTHON") or "python3.11",
        BOOT_SECONDS=str(int(number("BOOT_SECONDS", BOOT_SECONDS, environment, float))),
    )
    return pairs(done.out)


def work(cancellation: Cancellation, progress: Progress) -> dict[str, Any]:
    this, login, clock = Part(), Login.of(os.environ), RealClock(cancellation)
    boot = number("BOOT_SECONDS", BOOT_SECONDS, os.environ, float)

    def on_server() -> dict[str, str]:
        with Server(login, boot, cancellation) as server:
            with this.step("ssh", after=["server"]):
                server.reach()
            progress.say(f"{server.name}: answers, and shows the host key of this run")
            with this.step("prepare", after=["ssh"]):
                return prepare(server, os.environ)

    arrival = Arrival(servers_from_environment(clock), login.run, boot, clock)
    seen = arrival.then(this, number("BEGAN", this.began, os.environ, float), on_server)
    progress.say(f"{login.run}: Python {seen['python']}, {seen['installed'] or 'no package'} installed")
    return this.done(installed=seen["installed"].split(), python=seen["python"])


if __name__ == "__main__":
    part.main(work)
