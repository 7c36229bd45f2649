"""Nova: the servers, what is attached to them, and the key pairs."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from actions.clock import Clock
from actions.errors import ReleaseError
from actions.openstack import credentials, polling
from actions.openstack.client import OpenStack, Refused

STOPPING = "powering-off"  # a task state
ROOT_DEVICES = ("/dev/vda", "/dev/sda", "/dev/xvda")


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server as Nova tells of it."""

    id: str
    name: str
    status: str  # ACTIVE, SHUTOFF, ERROR, …
    task_state: str | None  # None: Nova does nothing with it
    metadata: dict[str, str] = field(default_factory=dict)
    fault: str = ""  # why it is in ERROR
    image: str | None = None  # id; None where the image lies on a volume


class Servers:
    """The servers of one project."""

    def __init__(self, cloud: OpenStack, clock: Clock) -> None:
        self._cloud, self._clock = cloud, clock

    def get(self, server: str) -> Server:
        return _server(self._cloud.get("compute", f"/servers/{server}")["server"])

    def find(self, server: str) -> Server | None:
        """None when there is none (any more)."""
        try:
            return self.get(server)
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    def all(self) -> Iterator[Server]:
        for found in self._cloud.pages("compute", "/servers/detail", "servers"):
            yield _server(found)

    def named(self, name: str) -> list[Server]:
        return [server for server in self.all() if server.name == name]

    def set_metadata(self, server: str, values: Mapping[str, str]) -> None:
        self._cloud.post("compute", f"/servers/{server}/metadata", {"metadata": dict(values)})

    def stop(self, server: str) -> None:
        """Asks for it; one that is stopped, or is being stopped already, is no error."""
        try:
            self._cloud.post("compute", f"/servers/{server}/action", {"os-stop": None})
        except Refused as refused:
            found = self.get(server)
            if refused.status != 409 or (found.status != "SHUTOFF" and found.task_state != STOPPING):
                raise

    def stopped(self, server: str, seconds: float) -> Server:
        """Stops it where it runs, and waits for SHUTOFF; `ReleaseError` says where it hangs."""
        found = self.get(server)
        if found.status not in ("SHUTOFF", "ERROR"):
            self.stop(server)

        def look() -> Server | None:
            nonlocal found
            found = self.get(server)
            if found.status == "ERROR":
                raise ReleaseError(f"server {found.name} is in ERROR: {found.fault or 'Nova gives no reason'}")
            return found if found.status == "SHUTOFF" and found.task_state is None else None

        return polling.until(
            self._clock,
            look,
            lambda: (
                f"server {found.name} does not stop: after {seconds:.0f} s it is {found.status}, "
                f"task state {found.task_state or 'none'}"
            ),
            seconds,
        )

    def root_volume(self, server: str) -> str | None:
        """The id of the volume it boots from; None when its root disk is local."""
        attached = self._cloud.get("compute", f"/servers/{server}/os-volume_attachments")["volumeAttachments"]
        roots = [one["volumeId"] for one in attached if one.get("device") in ROOT_DEVICES]
        return str(roots[0]) if roots else None

    def volumes(self, server: str) -> list[str]:
        """The ids of all volumes that are attached to it."""
        try:
            attached = self._cloud.get("compute", f"/servers/{server}/os-volume_attachments")["volumeAttachments"]
        except Refused as refused:
            if refused.status == 404:
                return []
            raise
        return [str(one["volumeId"]) for one in attached]

    def create_image(self, server: str, name: str, properties: Mapping[str, str]) -> str:
        """The id of the image that begins to be made of it."""
        body = {"createImage": {"name": name, "metadata": dict(properties)}}
        response = self._cloud.post("compute", f"/servers/{server}/action", body)
        if location := response.headers.get("Location"):
            return location.rstrip("/").rpartition("/")[2]
        return str(response.json()["image_id"])

    def delete(self, server: str) -> bool:
        return self._cloud.delete("compute", f"/servers/{server}")


class KeyPairs:
    """The key pairs of the user."""

    def __init__(self, cloud: OpenStack) -> None:
        self._cloud = cloud

    def names(self) -> list[str]:
        found = self._cloud.get("compute", "/os-keypairs")["keypairs"]  # older Novas know no pages of these
        return [str(one["keypair"]["name"]) for one in found]

    def delete(self, name: str) -> bool:
        return self._cloud.delete("compute", f"/os-keypairs/{quote(name, safe='')}")


def servers_from_environment(clock: Clock, environment: Mapping[str, str] = os.environ) -> Servers:
    """As the user that OS_* names."""
    return Servers(OpenStack(credentials.from_environment(environment)), clock)


def _server(found: dict[str, Any]) -> Server:
    image = found.get("image")
    return Server(
        id=found["id"],
        name=found.get("name", ""),
        status=str(found.get("status", "UNKNOWN")).upper(),
        task_state=found.get("OS-EXT-STS:task_state"),
        metadata={str(key): str(value) for key, value in (found.get("metadata") or {}).items()},
        fault=str((found.get("fault") or {}).get("message", "")),
        image=image["id"] if isinstance(image, dict) else None,
    )
