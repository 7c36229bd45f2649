"""What there is in the project that carries the name of a run."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from actions.clock import Clock, together
from actions.openstack.client import OpenStack
from actions.openstack.images import Images
from actions.openstack.network import Network
from actions.openstack.servers import KeyPairs, Servers
from actions.openstack.volumes import Volumes

KEPT = "bake_keep"  # a server's metadata: it is kept on purpose, and so is what it needs


@dataclass(frozen=True, kw_only=True)
class Thing:
    """One of them; `remove` asks for its removal and may be repeated."""

    kind: str
    id: str
    run: str  # by whose name it goes
    remove: Callable[[], object]
    kept: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Inventory:
    """Looks at everything at once; `ours` tells by a name whether it is a run's that is looked for."""

    def __init__(self, cloud: OpenStack, clock: Clock) -> None:
        self.servers, self.key_pairs = Servers(cloud, clock), KeyPairs(cloud)
        self.images, self.volumes, self.network = Images(cloud), Volumes(cloud), Network(cloud)

        self._looks: dict[str, Callable[[Callable[[str], bool]], list[Thing]]] = {
            "server": self._servers,  # with its volumes
            "floating IP": self._addresses,
            "port": self._ports,
            "security group": self._groups,
            "key pair": self._key_pairs,
            "image": self._images,
            "volume": self._volumes,  # with their snapshots
        }

    def take(self, ours: Callable[[str], bool], *kinds: str) -> list[Thing]:
        """In the order of removal: what stands on something comes before it; of all kinds unless some are named."""
        looks = [partial(self._looks[kind], ours) for kind in kinds or self._looks]
        found: list[Thing] = []
        for result in together(looks):
            if isinstance(result, Exception):
                raise result
            found += result
        return found

    def _servers(self, ours: Callable[[str], bool]) -> list[Thing]:
        things = []
        for server in self.servers.all():
            run = server.metadata.get("bake_run", server.name)
            if ours(run) or ours(server.name):
                for volume in self.servers.volumes(server.id):  # whose names nobody chooses
                    things.append(self._volume(volume, run))
                remove = _bound(self.servers.delete, server.id)
                kept = server.metadata.get(KEPT) == "true"
                things.insert(0, Thing(kind="server", id=server.id, run=run, remove=remove, kept=kept))
        return sorted(things, key=lambda thing: thing.kind != "server")

    def _addresses(self, ours: Callable[[str], bool]) -> list[Thing]:
        """By their description, or by the port that they lead to."""
        ports = dict(self.network.ports())
        return [
            Thing(
                kind="floating IP",
                id=found.address or found.id,
                run=found.description or ports.get(found.port or "", ""),
                remove=_bound(self.network.delete_floating_ip, found.id),
            )
            for found in self.network.floating_ips()
            if ours(found.description) or ours(ports.get(found.port or "", ""))
        ]

    def _ports(self, ours: Callable[[str], bool]) -> list[Thing]:
        return [
            Thing(kind="port", id=identity, run=name, remove=_bound(self.network.delete_port, identity))
            for identity, name in self.network.ports()
            if ours(name)
        ]

    def _groups(self, ours: Callable[[str], bool]) -> list[Thing]:
        return [
            Thing(kind="security group", id=identity, run=name, remove=_bound(self.network.delete_group, identity))
            for identity, name in self.network.groups()
            if ours(name)
        ]

    def _key_pairs(self, ours: Callable[[str], bool]) -> list[Thing]:
        return [
            Thing(kind="key pair", id=name, run=name, remove=_bound(self.key_pairs.delete, name))
            for name in self.key_pairs.names()
            if ours(name)
        ]

    def _images(self, ours: Callable[[str], bool]) -> list[Thing]:
        """A verified image is nobody's leftover."""
        return [
            Thing(kind="image", id=image.id, run=image.name, remove=_bound(self.images.delete, image.id))
            for image in self.images.own()
            if ours(image.name) and not image.verified
        ]

    def _volumes(self, ours: Callable[[str], bool]) -> list[Thing]:
        """Volumes after their snapshots."""
        snapshots = [
            Thing(kind="snapshot", id=identity, run=name, remove=_bound(self.volumes.delete_snapshot, identity))
            for identity, name in self.volumes.snapshots()
            if ours(name)
        ]
        return snapshots + [self._volume(volume.id, volume.name) for volume in self.volumes.all() if ours(volume.name)]

    def _volume(self, volume: str, run: str) -> Thing:
        return Thing(kind="volume", id=volume, run=run, remove=_bound(self.volumes.delete, volume))


def _bound(remove: Callable[[str], object], identity: str) -> Callable[[], object]:
    return lambda: remove(identity)
