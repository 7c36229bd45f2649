"""Cinder: volumes, their snapshots, and an image made of a volume."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from actions.openstack.client import OpenStack, Refused


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A volume as Cinder tells of it."""

    id: str
    name: str
    status: str  # available, in-use, uploading, …
    image: str | None  # id of the image it was made from


class Volumes:
    """The volumes of one project; a cloud without the service has none."""

    def __init__(self, cloud: OpenStack) -> None:
        self._cloud = cloud

    def offered(self) -> bool:
        catalogue = self._cloud.token().catalogue
        return any(kind in catalogue for kind in ("volumev3", "block-storage", "volumev2", "volume"))

    def find(self, volume: str) -> Volume | None:
        try:
            return _volume(self._cloud.get("volume", f"/volumes/{volume}")["volume"])
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    def all(self) -> Iterator[Volume]:
        if self.offered():
            for found in self._cloud.pages("volume", "/volumes/detail", "volumes"):
                yield _volume(found)

    def snapshots(self) -> list[tuple[str, str]]:
        """Id and name of each."""
        if not self.offered():
            return []
        found = self._cloud.pages("volume", "/snapshots/detail", "snapshots")
        return [(one["id"], one.get("name") or "") for one in found]

    def upload(self, volume: str, name: str, disk_format: str) -> str:
        """The id of the image that begins to be made of the volume."""
        asked: dict[str, Any] = {
            "image_name": name,
            "force": True,  # the volume is attached, to a server that is shut off
            "disk_format": disk_format,
            "container_format": "bare",
        }
        response = self._cloud.post("volume", f"/volumes/{volume}/action", {"os-volume_upload_image": asked})
        return str(response.json()["os-volume_upload_image"]["image_id"])

    def delete(self, volume: str) -> bool:
        return self._cloud.delete("volume", f"/volumes/{volume}")

    def delete_snapshot(self, snapshot: str) -> bool:
        return self._cloud.delete("volume", f"/snapshots/{snapshot}")


def _volume(found: dict[str, Any]) -> Volume:
    made_from = found.get("volume_image_metadata") or {}
    return Volume(id=found["id"], name=found.get("name") or "", status=found["status"], image=made_from.get("image_id"))
