"""One cloud: its world, its faults, its computers, and the work it does in the background."""

import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from localcloud.aws import addresses
from localcloud.openstack.computers import Launch
from localcloud.openstack.faults import Faults
from localcloud.openstack.model import Thing
from localcloud.openstack.world import World

TICK = 0.05


class Engine(Protocol):
    """What the services ask of computers; tests give one without Docker."""

    subnet: str

    def create(self, launch: Launch) -> None: ...
    def start(self, server_id: str) -> None: ...
    def stop(self, server_id: str) -> None: ...
    def console(self, server_id: str) -> str: ...
    def remove(self, server_id: str) -> None: ...
    def commit(self, server_id: str, disk_id: str) -> int: ...
    def copy(self, disk: str, copy_id: str) -> int: ...
    def forget(self, disk_id: str) -> None: ...
    def base(self) -> tuple[str, int]: ...
    def running(self) -> dict[str, int]: ...


class Cloud:
    """What a request acts on."""

    def __init__(self, *, port: int, password: str, computers: Engine, file: Path | None = None) -> None:
        self.port = port
        self.password = password
        self.computers = computers
        self.faults = Faults()
        self.world = World(file)
        self._closed = threading.Event()

    def public_addresses(self) -> list[str]:
        """The addresses that floating IPs are taken from: on the loopback interface, this cloud's own."""
        return addresses.balancers(self.port)

    def later(self, work: Callable[..., object], *arguments: object) -> None:
        """Do it in the background; what it changed is written down when it ends."""

        def run() -> None:
            try:
                work(*arguments)
            except Exception:  # its log is where the errors of a server's thread go
                traceback.print_exc(file=sys.stderr)
            self.world.save()

        threading.Thread(target=run, daemon=True).start()

    def wait(self, seconds: float, still: Callable[[], bool] = lambda: True) -> bool:
        """Let time pass as long as it still matters; whether it did to the end."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not still() or self._closed.wait(min(TICK, max(0.0, deadline - time.monotonic()))):
                return False
        return still()

    def alive(self, kind: str, thing: Thing) -> Callable[[], bool]:
        """Whether it is still there."""
        return lambda: self.world.of(kind).get(thing["id"]) is thing

    def close(self) -> None:
        """End what waits."""
        self._closed.set()
