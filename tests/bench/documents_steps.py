"""The document's 18 steps, one after another, as its workflow has them: polls of 10 s and a sleep of 60 s.

The work on the server is the same as ours, by the same scripts; only order, waiting and caching are the document's.
What its runner does before (checkout, Python) and its apt on the server are left out: both sides have them for free.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import requests

from actions.bake.agents import Agents
from actions.bake.payload import assemble
from actions.bake.request import BuildRequest
from actions.bake.server import Server, packed, program
from actions.bake.source import Source
from actions.bake.wheels import Wheelhouse
from actions.hosts.host import HostError
from actions.lifeline import Cancellation
from actions.openstack.images import Images
from actions.openstack.volumes import Volumes
from tests.cloud.openstack_servers import Machine, World

POLL_SECONDS, SLEEP_SECONDS, LONGEST_SECONDS = 10.0, 60.0, 300.0


class Sequence:
    """One run; `steps` has the seconds of each."""

    def __init__(self, world: World, given: Mapping[str, str], place: Path) -> None:
        self._world, self._given, self._place = world, given, place
        self.steps: dict[str, float] = {}

    def run(self) -> float:
        """Seconds of the 18 steps; the cleanup is another job of the workflow and comes after the last of them."""
        began = time.monotonic()
        with self._step("3 build instance"):  # with 1 and 2: its keys
            machine = self._world.ask("bake")
            self._active(machine)
        self._build(machine)
        with self._step("13 image"):
            image = self._image(machine)
        with self._step("14 test instance"):
            test = self._world.ask("test", image)
            self._active(test)
        with self._step("15 wait"):
            time.sleep(SLEEP_SECONDS)
        with self._step("16 time"), self._server(test) as server:
            self._poll(lambda: "synchronised=true" in server.run("time", 60).out)
        with self._step("17 curl"):
            for port, page in ((8000, "/health"), (8000, "/"), (8000, "/metrics"), (9100, "/metrics")):
                self._poll(partial(answers, f"http://{test.address}:{port}{page}"))
        took = time.monotonic() - began
        with self._step("cleanup"):
            for one in (test, machine):
                self._world.delete(one)
        return took

    def _build(self, machine: Machine) -> None:
        with self._step("4 ssh"):
            self._poll(lambda: self._reached(machine))
        with self._step("5 .env.build"), self._server(machine) as server:
            server.run("prepare", 300, PACKAGES="python3.11", PYTHON="python3.11", BOOT_SECONDS="60")
            server.run("secrets", 60, VALUES="")
        with self._step("6 source"):
            Source.of(self._given).made()
        with self._step("7 download"):
            for made in (Wheelhouse.of(self._given), Agents.of(self._given)):
                made.made(Cancellation())
        request = BuildRequest.of({**machine.environment, **self._given})
        payload = assemble(request, self._given, self._place, Cancellation())
        with self._step("8 upload"), self._server(machine) as server:
            server.send(payload.path, payload.sha256, print)
        with self._step("9 build"), self._server(machine) as server:
            install = {"PYTHON": "python3.11", "OFFLINE": "true", "INDEX_URL": ""}
            server.run("install", 300, PAYLOAD=payload.sha256, **install)
        with self._step("10 start"), self._server(machine) as server:
            server.run("start", 300)
            look = {"PORT": "8000", "HEALTH_PATH": "/health"}
            self._poll(lambda: "answer=HTTP 200" in server.run("health", 60, **look).out)
        with self._step("11 clean"), self._server(machine) as server:
            seal = program("seal", {"RUN": server.name, "RECIPE": "r", "COMMIT": ""})
            server.run("begin_seal", 60, SEAL=packed(seal))
        with self._step("12 stop"):
            self._poll(lambda: self._world.servers.get(machine.server).status == "SHUTOFF")

    def _image(self, machine: Machine) -> str:
        """Uploaded from the root volume; done when the image is active and the volume settled."""
        images, volumes = Images(self._world.cloud), Volumes(self._world.cloud)
        volume = self._world.servers.root_volume(machine.server)
        assert volume is not None
        image = volumes.upload(volume, machine.environment["RUN"], "raw")

        def done() -> bool:
            made, source = images.find(image), volumes.find(volume)
            return made is not None and made.status == "active" and source is not None and source.status == "in-use"

        self._poll(done)
        return image

    def _active(self, machine: Machine) -> None:
        self._poll(lambda: self._world.servers.get(machine.server).status == "ACTIVE")

    def _reached(self, machine: Machine) -> bool:
        try:
            with self._server(machine) as server:
                server.reach()
            return True
        except HostError:
            return False

    def _server(self, machine: Machine) -> Server:
        """A connection of its own for every step, as the workflow's ssh and rsync have."""
        request = BuildRequest.of({**machine.environment, **self._given})
        return Server(request.login, 0.0, Cancellation())

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.steps[name] = round(time.monotonic() - began, 1)

    @staticmethod
    def _poll(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + LONGEST_SECONDS
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(POLL_SECONDS)


def answers(url: str) -> bool:
    try:
        return bool(requests.get(url, timeout=5).ok)
    except requests.RequestException:
        return False
