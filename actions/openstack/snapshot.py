"""Make an image of a server that is shut off, in the way its root disk asks for, and know when it is really done.

A root disk on a volume is uploaded by Cinder; a local one is imaged by Nova. Done is: the image is active, Nova does
nothing with the server any more, and the volume is settled.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from actions.clock import Clock
from actions.errors import ReleaseError
from actions.openstack import polling
from actions.openstack.client import OpenStack, Refused
from actions.openstack.images import Image, Images
from actions.openstack.servers import Server, Servers
from actions.openstack.volumes import Volumes
from actions.progress import Progress

APPEARS_SECONDS = 30.0  # in which an image that was asked for must be seen
ATTEMPTS = 3  # of asking, where what happened is not known
LOST = frozenset({"killed", "deleted", "pending_delete", "deactivated"})
BEGUN = frozenset({"saving", "uploading", "importing"})
SETTLED = frozenset({"available", "in-use"})  # states of a volume


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The image to be made, and how long that may take (seconds)."""

    name: str
    properties: Mapping[str, str]
    disk_format: str  # of what Cinder uploads
    seconds: float


class Snapshot:
    """One image of one server; begun again, it goes on with the image that was begun."""

    def __init__(self, cloud: OpenStack, clock: Clock, progress: Progress) -> None:
        self._servers, self._images, self._volumes = Servers(cloud, clock), Images(cloud), Volumes(cloud)
        self._clock, self._progress = clock, progress

    def make(self, server: Server, wanted: Wanted) -> Image:
        """The finished image; `ReleaseError` says how it ended instead."""
        volume = self._servers.root_volume(server.id)
        way = f"by Cinder from volume {volume}" if volume else "by Nova from the local disk"
        image = self._begun(server.id, volume, wanted) or self._ask(server, volume, wanted)
        self._progress.say(f"image {image} of {server.name} is being made {way}")
        made = self._follow(image, server.id, volume, wanted.seconds)
        self._images.set_properties(made, wanted.properties)
        return made

    def _begun(self, server: str, volume: str | None, wanted: Wanted) -> str | None:
        """An image of this name that is finished or being made; one that nobody works on any more is taken away."""
        found = None
        for image in self._images.named(wanted.name):
            if image.status == "active" or (image.status not in LOST and self._busy(server, volume)):
                found = image.id
            else:
                self._progress.say(f"image {image.id} is {image.status} and nobody works on it: removing it")
                self._images.delete(image.id)
        return found

    def _busy(self, server: str, volume: str | None) -> bool:
        source, disk = self._servers.find(server), self._volumes.find(volume) if volume else None
        return (source is not None and source.task_state is not None) or (
            disk is not None and disk.status not in SETTLED
        )

    def _ask(self, server: Server, volume: str | None, wanted: Wanted) -> str:
        """A request whose answer got lost is looked for by name before it is made again."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                if volume:
                    return self._volumes.upload(volume, wanted.name, wanted.disk_format)
                return self._servers.create_image(server.id, wanted.name, wanted.properties)
            except Refused as refused:
                if not refused.unknown or attempt == ATTEMPTS:
                    raise ReleaseError(f"no image is made of {server.name}: {refused}") from refused
                self._progress.say(f"{refused}: looking whether the image is being made all the same")
                self._clock.wait(polling.LAST_SECONDS)
                if found := self._begun(server.id, volume, wanted):
                    return found
        raise AssertionError("the last attempt returns or raises")

    def _follow(self, identity: str, server: str, volume: str | None, seconds: float) -> Image:
        began, seen, state = self._clock.now(), "", "not there"

        def look() -> Image | None:
            nonlocal seen, state
            image = self._images.find(identity)
            if image is None:
                if seen or self._clock.now() - began > APPEARS_SECONDS:
                    raise ReleaseError(f"image {identity} vanished{f' while it was {seen}' if seen else ''}")
                return None
            if image.status in LOST or (image.status == "queued" and seen in BEGUN):
                after = f" after it was {seen}" if seen else ""
                raise ReleaseError(f"image {identity} failed: it is {image.status}{after}")
            seen = image.status
            state = self._standing(image, server, volume)
            return image if not state else None

        def late() -> str:
            return f"image {identity} is not done after {seconds:.0f} s: {state}"

        return polling.until(self._clock, look, late, seconds)

    def _standing(self, image: Image, server: str, volume: str | None) -> str:
        """What is not done yet; nothing when all of it is."""
        if image.status != "active":
            return f"it is {image.status}"
        source = self._servers.find(server)
        if source is not None and source.task_state is not None:
            return f"it is active, but Nova is still at {source.task_state}"
        found = self._volumes.find(volume) if volume else None
        if found is not None and found.status.startswith("error"):
            raise ReleaseError(f"volume {volume} is {found.status} after its upload")
        if found is not None and found.status not in SETTLED:
            return f"it is active, but its volume is {found.status}"
        if image.size == 0:
            raise ReleaseError(f"image {image.id} is active and empty: the cloud put its content somewhere else")
        return ""
