"""The containers that servers are: they boot systemd, sshd and cloud-init; `docker commit` keeps their disks."""

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.aws import addresses
from localcloud.aws.home import CLOUD_LABEL, CloudError
from localcloud.polling import until

BASE = "infra-release/server:bookworm"  # what the cloud's own image is
DISKS = "infra-release/openstack"  # the repository of the disks that servers left
SERVER_LABEL = "localcloud.server"
DOCKER_SECONDS = 180.0
REMOVE_SECONDS = 60.0
SHUTDOWN_SECONDS = 60  # Nova's own patience with a guest
_OPTIONS = {
    "cap_add": ["ALL"],
    "cap_drop": ["SYS_RESOURCE"],  # not to be had inside many containers, and systemd does without it
    "security_opt": ["seccomp=unconfined", "apparmor=unconfined"],
    "cgroupns": "private",
    "tmpfs": {"/run": "", "/tmp": ""},  # noqa: S108 - inside the server
}


@dataclass(frozen=True, kw_only=True)
class Launch:
    """What a computer is made with."""

    server_id: str
    disk: str  # the engine's name of the image it starts from
    address: str
    hostname: str
    meta_data: str
    user_data: bytes


class Computers:
    """The containers of one cloud, with the network they are in."""

    def __init__(self, home: Path, cloud_id: str, port: int) -> None:
        self.subnet = f"{addresses.machines(port)}.0/24"
        self.gateway = addresses.gateway(port)
        self._home = home
        self._cloud_id = cloud_id
        self._port = port
        self._network = f"localcloud-{cloud_id}"
        self._client: Any = None

    @property
    def _docker(self) -> Any:
        if self._client is None:
            import docker

            self._client = docker.from_env(timeout=DOCKER_SECONDS)
        return self._client

    def prepare(self) -> None:
        """Have the network; CloudError when its addresses are taken or the engine does not answer."""
        from docker.errors import APIError, DockerException
        from docker.types import IPAMConfig, IPAMPool

        try:
            if self._docker.networks.list(names=[self._network]):
                return
            pool = IPAMPool(subnet=self.subnet, gateway=self.gateway)
            self._docker.networks.create(
                self._network,
                driver="bridge",
                ipam=IPAMConfig(pool_configs=[pool]),
                labels={CLOUD_LABEL: self._cloud_id},
                options={"com.docker.network.bridge.enable_icc": "false"},  # servers reach each other by no back door
            )
        except APIError as error:
            raise CloudError(f"The network {self.subnet} cannot be made: {error.explanation}") from error
        except DockerException as error:
            raise CloudError(f"Docker does not answer: {error}") from error

    def create(self, launch: Launch) -> None:
        """Make the computer without starting it; CloudError when its disk is missing."""
        from docker.errors import APIError, ImageNotFound

        place = self._place(launch.server_id)
        seed, sources = place / "seed", place / "sources"
        for directory in (seed, sources):
            directory.mkdir(parents=True, exist_ok=True)
        (seed / "meta-data").write_text(launch.meta_data)
        (seed / "user-data").write_bytes(launch.user_data)
        time = f"server {self.gateway} port {self._port} iburst minpoll 0 maxpoll 2\n"
        (sources / "cloud.sources").write_text(time)
        endpoint = self._docker.api.create_endpoint_config(ipv4_address=launch.address)
        try:
            self._docker.containers.create(
                launch.disk,
                ["/sbin/init"],
                name=_name(launch.server_id),
                hostname=launch.hostname,
                labels={CLOUD_LABEL: self._cloud_id, SERVER_LABEL: launch.server_id},
                network=self._network,
                networking_config={self._network: endpoint},
                # Mounted, not written: what a server was told at its birth is not on its disk, and so in no image.
                volumes=[f"{seed}:/var/lib/cloud/seed/nocloud:ro", f"{sources}:/etc/chrony/sources.d:ro"],
                **_OPTIONS,
            )
        except ImageNotFound:
            raise CloudError(f"The disk {launch.disk} is missing; `make up` builds the first one.") from None
        except APIError as error:
            raise CloudError(f"The computer cannot be made: {error.explanation}") from error

    def start(self, server_id: str) -> None:
        """Switch it on; CloudError when it does not go."""
        from docker.errors import APIError

        try:
            self._get(server_id).start()
        except APIError as error:
            raise CloudError(f"The computer does not start: {error.explanation}") from error

    def stop(self, server_id: str) -> None:
        """Ask it to shut down, and switch it off when it does not."""
        self._get(server_id).stop(timeout=SHUTDOWN_SECONDS)

    def console(self, server_id: str) -> str:
        """What its cloud-init said."""
        done = self._get(server_id).exec_run(["tail", "-n", "200", "/var/log/cloud-init-output.log"])
        return str(done.output.decode(errors="replace"))

    def remove(self, server_id: str) -> None:
        """End it with its disk; nothing to do when it is gone. CloudError when the engine does not let it go."""
        if not until(lambda: self._removed(server_id), REMOVE_SECONDS, 0.5):
            raise CloudError(f"The computer of {server_id} cannot be removed.")
        shutil.rmtree(self._place(server_id), ignore_errors=True)

    def _removed(self, server_id: str) -> bool:
        from docker.errors import APIError, NotFound

        try:
            self._get(server_id).remove(force=True, v=True)
        except NotFound:
            return True
        except APIError:  # it is being stopped, kept or removed just now
            return False
        return True

    def commit(self, server_id: str, disk_id: str) -> int:
        """Keep its disk as it is now; the size in bytes."""
        kept = self._get(server_id).commit(
            repository=DISKS, tag=disk_id, pause=True, changes=[f"LABEL {CLOUD_LABEL}={self._cloud_id}"]
        )
        return int(kept.attrs["Size"])

    def copy(self, disk: str, copy_id: str) -> int:
        """The same disk under an id of its own; the size in bytes."""
        found = self._docker.images.get(disk)
        found.tag(DISKS, copy_id)
        return int(found.attrs["Size"])

    def forget(self, disk_id: str) -> None:
        """Remove a disk; a server that was made of it goes on."""
        from docker.errors import APIError

        with contextlib.suppress(APIError):
            self._docker.images.remove(disk_name(disk_id), force=True)

    def base(self) -> tuple[str, int]:
        """The content of the cloud's own image, by its digest, and its size; CloudError when it is missing."""
        from docker.errors import ImageNotFound

        try:
            found = self._docker.images.get(BASE)
        except ImageNotFound:
            raise CloudError(f"The image {BASE} is missing; `make up SYSTEM=photo-api` builds it.") from None
        return str(found.id), int(found.attrs["Size"])

    def running(self) -> dict[str, int]:
        """The servers whose computer runs, with its first process."""
        found = {}
        for container in self._docker.containers.list(filters=self._filter(SERVER_LABEL), ignore_removed=True):
            state = container.attrs["State"]
            if state["Running"]:
                found[container.labels[SERVER_LABEL]] = int(state["Pid"])
        return found

    def remove_all(self) -> None:
        """Every container, disk and network of this cloud."""
        from docker.errors import APIError

        for container in self._docker.containers.list(all=True, filters=self._filter(), ignore_removed=True):
            with contextlib.suppress(APIError):
                container.remove(force=True, v=True)
        for image in self._docker.images.list(filters=self._filter()):
            for tag in image.tags:
                if tag.startswith(f"{DISKS}:"):
                    with contextlib.suppress(APIError):
                        self._docker.images.remove(tag, force=True)
        for network in self._docker.networks.list(filters=self._filter()):
            network.remove()
        shutil.rmtree(self._home / "servers", ignore_errors=True)

    def _filter(self, *labels: str) -> dict[str, list[str]]:
        return {"label": [f"{CLOUD_LABEL}={self._cloud_id}", *labels]}

    def _get(self, server_id: str) -> Any:
        return self._docker.containers.get(_name(server_id))

    def _place(self, server_id: str) -> Path:
        return self._home / "servers" / server_id


def _name(server_id: str) -> str:
    return f"localcloud-{server_id}"


def disk_name(disk_id: str) -> str:
    """The engine's name of a kept disk."""
    return f"{DISKS}:{disk_id}"
