"""A local OpenStack of the tests' own, its faults, and servers of runs as the stacks make them."""

import base64
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from actions.clock import RealClock
from actions.lifeline import Cancellation
from actions.openstack import credentials
from actions.openstack.client import OpenStack
from actions.openstack.inventory import Inventory
from actions.openstack.removal import Removal
from actions.openstack.servers import Servers
from actions.openstack.snapshot import Snapshot, Wanted
from actions.progress import Progress
from tests.cloud.project import ROOT
from tests.ports import free_port
from tests.waiting import until

BASE = "debian-12"
PORTS = (22, 8000, 9100)
VOLUME, LOCAL_DISK = "m2.small", "u2.small"  # flavors
BOOT_SECONDS = 60.0
TEMPORARY = ("server", "floating IP", "port", "security group", "key pair", "volume")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A server of one run, and what its actions are told."""

    server: str
    address: str
    environment: Mapping[str, str]


@dataclass
class World:
    """One cloud."""

    variables: Mapping[str, str]
    cloud: OpenStack = field(init=False)
    clock: RealClock = field(init=False)

    def __post_init__(self) -> None:
        self.cloud = OpenStack(credentials.from_environment(self.variables))
        self.clock = RealClock(Cancellation())

    @property
    def mirror(self) -> str:
        return self.variables["LOCALCLOUD_MIRROR"]

    def control(self, what: str, body: Any) -> None:
        """Faults and latencies."""
        requests.post(f"{self.variables['LOCALCLOUD_OPENSTACK']}/{what}", json=body, timeout=10).raise_for_status()

    def calm(self) -> None:
        for what in ("faults", "latencies", "quotas"):
            requests.delete(f"{self.variables['LOCALCLOUD_OPENSTACK']}/{what}", timeout=10).raise_for_status()

    def boot(self, kind: str, image: str = BASE, flavor: str = VOLUME) -> Machine:
        """A server with keys of its own, reached at a floating IP, once Nova says ACTIVE."""
        machine = self.ask(kind, image, flavor)
        until(lambda: self.servers.get(machine.server).status == "ACTIVE", f"{kind} is ACTIVE", BOOT_SECONDS)
        return machine

    def ask(self, kind: str, image: str = BASE, flavor: str = VOLUME) -> Machine:
        """The same, not waited for."""
        run, began = f"photo-api-{kind}-{secrets.token_hex(6)}", time.time()
        login, public = keys()
        host, host_public = keys()
        self._post("compute", "/os-keypairs", {"keypair": {"name": run, "public_key": public}})
        group = self._post("network", "/security-groups", {"security_group": {"name": run}})["security_group"]["id"]
        for port in PORTS:
            rule = {"security_group_id": group, "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp"}
            ports = {"port_range_min": port, "port_range_max": port, "remote_ip_prefix": "127.0.0.0/8"}
            self._post("network", "/security-group-rules", {"security_group_rule": {**rule, **ports}})
        networks = {one["name"]: one["id"] for one in self._get("network", "/networks")["networks"]}
        port_of = {"network_id": networks["default"], "name": run, "security_groups": [group]}
        door = self._post("network", "/ports", {"port": port_of})["port"]["id"]
        floating = {"floating_network_id": networks["public"], "port_id": door, "description": run}
        address = self._post("network", "/floatingips", {"floatingip": floating})["floatingip"]["floating_ip_address"]
        server = self._server(run, self.image(image), flavor, door, user_data(host, host_public))
        return Machine(
            server=server,
            address=address,
            environment={
                **{"RUN": run, "BEGAN": str(began), "SERVER": server, "ADDRESS": address},
                **{"SSH_USER": "debian", "LOGIN_KEY": login, "HOST_KEY": host_public, "RECIPE": "recipe-1"},
            },
        )

    def _server(self, run: str, image: str, flavor: str, door: str, data: str) -> str:
        flavors = {one["name"]: one["id"] for one in self._get("compute", "/flavors")["flavors"]}
        disk = {
            **{"uuid": image, "source_type": "image", "boot_index": 0, "delete_on_termination": True},
            **{"destination_type": "volume" if flavor == VOLUME else "local", "volume_size": 10},
        }
        asked = {
            **{"name": run, "flavorRef": flavors[flavor], "key_name": run, "networks": [{"port": door}]},
            **{"user_data": base64.b64encode(data.encode()).decode(), "block_device_mapping_v2": [disk]},
        }
        return str(self._post("compute", "/servers", {"server": asked})["server"]["id"])

    @property
    def servers(self) -> Servers:
        return Servers(self.cloud, self.clock)

    def image(self, name: str) -> str:
        """The id of an image, by name or id."""
        images = self._get("image", "/images")["images"]
        return str(next(one["id"] for one in images if name in (one["id"], one["name"])))

    def snapshot(self, machine: Machine) -> str:
        """The id of the image made of a server that is shut off."""
        self.servers.stopped(machine.server, BOOT_SECONDS)
        wanted = Wanted(name=machine.environment["RUN"], properties={}, disk_format="raw", seconds=BOOT_SECONDS)
        return Snapshot(self.cloud, self.clock, Progress()).make(self.servers.get(machine.server), wanted).id

    def delete(self, machine: Machine) -> None:
        """With all that was made for it; its image stays."""
        inventory = Inventory(self.cloud, self.clock)
        Removal(inventory, self.clock, Progress(), *TEMPORARY).all_of(machine.environment["RUN"], BOOT_SECONDS)

    def _get(self, service: str, path: str) -> Any:
        return self.cloud.get(service, path)

    def _post(self, service: str, path: str, body: Any) -> Any:
        return self.cloud.post(service, path, body).json()


def keys() -> tuple[str, str]:
    """A fresh pair: private and public, as OpenSSH writes them."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    return private, key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def user_data(private: str, public: str) -> str:
    given = {"ssh_deletekeys": True, "ssh_keys": {"ed25519_private": private, "ed25519_public": public}}
    return "#cloud-config\n" + json.dumps(given)


@contextmanager
def running(home: Path) -> Iterator[World]:
    """A cloud of its own, ended with everything it started; its mirror is `home`/mirror."""
    command = [sys.executable, "-m", "localcloud.openstack"]
    place = ["--home", str(home / "openstack")]
    port = ["--port", str(free_port())]
    started = subprocess.run([*command, "start", *place, *port], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    try:
        yield World(json.loads(started.stdout))
    finally:
        subprocess.run([*command, "stop", *place], cwd=ROOT, check=True)


def action(module: str, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    """An action as `pulumi up` runs it."""
    return subprocess.Popen(
        [sys.executable, "-m", module],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
