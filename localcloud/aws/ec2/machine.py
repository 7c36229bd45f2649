"""One EC2 instance's computer: a container that boots systemd, with an SSH server and a Docker engine of its own."""

import io
import tarfile
import threading
import time
from dataclasses import dataclass
from typing import Any

from localcloud.aws.ec2.network import Network
from localcloud.aws.home import CLOUD_LABEL, REGION, CloudError
from localcloud.polling import until

IMAGE = "infra-release/machine:bookworm"
DOCKER_SECONDS = 180.0  # a busy engine answers late
BOOT_SECONDS = 120.0
STOP_SECONDS = 20
INSTANCE_LABEL = "localcloud.instance"
_OPTIONS = {
    "cap_add": ["ALL"],
    "cap_drop": ["SYS_RESOURCE"],  # not to be had inside many containers, and systemd does without it
    "security_opt": ["seccomp=unconfined", "apparmor=unconfined"],
    "cgroupns": "host",  # with the mount below: the Docker engine inside makes control groups of its own
    "volumes": ["/sys/fs/cgroup:/sys/fs/cgroup:rw", "/var/lib/docker"],
    "tmpfs": {"/run": "", "/tmp": ""},  # noqa: S108 - inside the machine
}


@dataclass(frozen=True, kw_only=True)
class Launch:
    """What a machine is made with."""

    instance_id: str
    address: str
    user_data: bytes = b""
    authorized_key: str = ""


class Machine:
    """The container of one instance, found by its name."""

    def __init__(self, docker: Any, instance_id: str) -> None:
        self._docker = docker
        self.instance_id = instance_id
        self.name = f"localcloud-{instance_id}"

    def start(self) -> None:
        """Boot it; return when its first services are up. CloudError when it does not come up."""
        self._container().start()
        booted = ("systemctl", "is-active", "--quiet", "first-boot.service", "dbus.service")
        if not until(lambda: self.run(*booted)[0] == 0, BOOT_SECONDS, 0.2):
            raise CloudError(f"The machine of {self.instance_id} has not booted within {BOOT_SECONDS:.0f} s.")

    def stop(self) -> None:
        """Shut it down; its disk stays."""
        self._container().stop(timeout=STOP_SECONDS)

    def remove(self) -> None:
        """End it with its disk, whatever state it is in; nothing to do when it is gone."""
        from docker.errors import NotFound

        try:
            self._container().remove(force=True, v=True)
        except NotFound:
            return

    def run(self, *argv: str) -> tuple[int, str, str]:
        """Run a command in it as root: exit code, output, errors; 255 when the machine does not run to its end."""
        from docker.errors import APIError

        try:
            done = self._container().exec_run(list(argv), demux=True)
        except APIError as error:
            return 255, "", str(error.explanation)
        code = 255 if done.exit_code is None else int(done.exit_code)
        out, err = done.output
        return code, (out or b"").decode(errors="replace"), (err or b"").decode(errors="replace")

    def write(self, files: dict[str, tuple[bytes, int]]) -> None:
        """Put files with these modes onto its disk."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for path, (content, mode) in files.items():
                entry = tarfile.TarInfo(path.lstrip("/"))
                entry.size, entry.mode, entry.mtime = len(content), mode, int(time.time())
                tar.addfile(entry, io.BytesIO(content))
        self._container().put_archive("/", archive.getvalue())

    def _container(self) -> Any:
        return self._docker.containers.get(self.name)


class Machines:
    """Makes the machines of one cloud and knows which run."""

    def __init__(self, network: Network, cloud_id: str, port: int) -> None:
        self.network = network
        self._cloud_id = cloud_id
        self._port = port
        self._client: Any = None
        self._making = threading.Lock()
        self._closed = False

    @property
    def _docker(self) -> Any:
        if self._client is None:
            import docker

            self._client = docker.from_env(timeout=DOCKER_SECONDS)
        return self._client

    def machine(self, instance_id: str) -> Machine:
        """The machine of an instance that has been created."""
        return Machine(self._docker, instance_id)

    def create(self, launch: Launch) -> Machine:
        """Make a machine without starting it; CloudError when its image is missing."""
        from docker.errors import ImageNotFound

        self.network.ensure(self._docker)
        endpoint = self._docker.api.create_endpoint_config(ipv4_address=launch.address)
        machine = self.machine(launch.instance_id)
        with self._making:
            if self._closed:
                raise CloudError("The local cloud is being stopped.")
            try:
                self._docker.containers.create(
                    IMAGE,
                    name=machine.name,
                    hostname=f"ip-{launch.address.replace('.', '-')}",
                    labels={CLOUD_LABEL: self._cloud_id, INSTANCE_LABEL: launch.instance_id},
                    network=self.network.name,
                    networking_config={self.network.name: endpoint},
                    extra_hosts={"cloud.internal": self.network.gateway},
                    **_OPTIONS,
                )
            except ImageNotFound:
                raise CloudError(f"The image {IMAGE} is missing; `make up` builds it.") from None
        machine.write(self._first_files(launch))
        return machine

    def close(self) -> None:
        """Make no more machines: what is there now can be removed, and nothing follows."""
        with self._making:
            self._closed = True

    def _first_files(self, launch: Launch) -> dict[str, tuple[bytes, int]]:
        variables = {
            "AWS_ENDPOINT_URL": f"http://localhost:{self._port}",
            "AWS_METADATA_SERVICE_TIMEOUT": "5",  # a small machine answers late
            "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "3",
        }
        lines = "".join(f"{name}={value}\n" for name, value in variables.items())
        manager = f"[Manager]\nDefaultEnvironment={' '.join(lines.split())}\n"
        files = {
            "/etc/environment": (lines, 0o644),
            "/etc/systemd/system.conf.d/localcloud.conf": (manager, 0o644),
            "/etc/default/localcloud": (f"PORT={self._port}\nREGION={REGION}\n", 0o644),
            "/etc/systemd/system/cloud.socket.d/port.conf": (f"[Socket]\nListenStream=127.0.0.1:{self._port}\n", 0o644),
        }
        found = {path: (text.encode(), mode) for path, (text, mode) in files.items()}
        if launch.user_data:
            found["/var/lib/cloud/instance/user-data.txt"] = (launch.user_data, 0o600)
        if launch.authorized_key:
            found["/var/lib/cloud/instance/authorized_keys"] = (launch.authorized_key.encode() + b"\n", 0o600)
        return found

    def running(self) -> set[str]:
        """The instances whose machine runs."""
        listed = self._docker.containers.list(
            filters={"label": [f"{CLOUD_LABEL}={self._cloud_id}", INSTANCE_LABEL], "status": "running"}, sparse=True
        )
        return {container.attrs["Labels"][INSTANCE_LABEL] for container in listed}
