"""The image of a server as a thing of its own: `make`, `look`, `change` and `delete` it.

`python -m actions.server_image WORD`; what is asked comes by environment, one JSON object goes to standard output.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from actions import running
from actions.clock import Clock
from actions.environment import text
from actions.errors import ReleaseError
from actions.openstack import credentials, polling
from actions.openstack.client import OpenStack, Refused
from actions.openstack.images import Image, Images
from actions.openstack.servers import Servers
from actions.openstack.snapshot import BEGUN, Snapshot, Wanted
from actions.progress import Progress

BUSY = BEGUN | {"queued"}
REFUSED = frozenset({403, 409})  # Glance's words for "not yet"

Environment = Mapping[str, str]


def make(environment: Environment, clock: Clock, progress: Progress) -> dict[str, Any]:
    """Stops the server and makes its image; raises `ReleaseError` when either ends otherwise."""
    cloud = _cloud(environment)
    stop_began = time.time()
    with progress.step("stop"):
        server = Servers(cloud, clock).stopped(text("SERVER", environment), float(environment["STOP_SECONDS"]))
    progress.say(f"server {server.name} is shut off")
    image_began = time.time()
    wanted = Wanted(
        name=text("NAME", environment),
        properties={**json.loads(environment["PROPERTIES"]), "bake_time": _now()},
        disk_format=environment["DISK_FORMAT"],
        seconds=float(environment["IMAGE_SECONDS"]),
    )
    with progress.step("image"):
        made = Snapshot(cloud, clock, progress).make(server, wanted)
    images = Images(cloud)
    _settle(images, made, environment)
    ended = time.time()
    progress.say(f"image {made.id} is active and settled")
    steps = [
        {"name": "stop", "began": stop_began, "ended": image_began, "after": ["seal"]},
        {"name": "image", "began": image_began, "ended": ended, "after": ["stop"]},
    ]
    return {**_told(images.find(made.id) or made), "steps": steps}


def look(environment: Environment, clock: Clock, progress: Progress) -> dict[str, Any]:
    """How the image is now; nothing when it is gone."""
    image = Images(_cloud(environment)).find(text("IMAGE", environment))
    return _told(image) if image else {}


def change(environment: Environment, clock: Clock, progress: Progress) -> dict[str, Any]:
    """Tags and visibility as wanted."""
    images = Images(_cloud(environment))
    image = _there(images, text("IMAGE", environment))
    _settle(images, image, environment)
    return _told(_there(images, image.id))


def delete(environment: Environment, clock: Clock, progress: Progress) -> dict[str, Any]:
    """Removes it, unless it is verified; waits while it is still being made."""
    images = Images(_cloud(environment))
    identity, seconds = text("IMAGE", environment), float(environment["IMAGE_SECONDS"])
    refusal = ""

    def gone() -> str | None:
        nonlocal refusal
        image = images.find(identity)
        if image is None or image.status == "deleted":
            return "removed"
        if image.verified:
            return "kept: it is verified"
        if image.protected:
            raise ReleaseError(f"image {identity} is protected: take the protection away, then destroy again")
        if image.status in BUSY:
            refusal = f"it is {image.status}"
            return None
        try:
            images.delete(identity)
        except Refused as refused:
            if refused.status not in REFUSED:
                raise
            refusal = str(refused)
        return None

    outcome = polling.until(
        clock, gone, lambda: f"image {identity} cannot be removed for {seconds:.0f} s: {refusal}", seconds
    )
    progress.say(f"image {identity} {outcome}")
    return {"outcome": outcome}


def _settle(images: Images, image: Image, environment: Environment) -> None:
    images.set_visibility(image, environment["VISIBILITY"])
    images.set_tags(image, json.loads(environment["TAGS"]), json.loads(environment.get("OLD_TAGS", "[]")))


def _there(images: Images, identity: str) -> Image:
    image = images.find(identity)
    if image is None:
        raise ReleaseError(f"image {identity} is gone: `pulumi refresh` forgets it, and the next `pulumi up` makes one")
    return image


def _told(image: Image) -> dict[str, Any]:
    return {
        "image": image.id,
        "image_name": image.name,
        "status": image.status,
        "visibility": image.visibility,
        "tags": [tag for tag in image.tags if not tag.startswith("_")],  # those are the cloud's own
        "verified": image.verified,
        "size": image.size,
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _cloud(environment: Environment) -> OpenStack:
    return OpenStack(credentials.from_environment(environment))


WORDS: dict[str, Callable[[Environment, Clock, Progress], dict[str, Any]]] = {
    "make": make,
    "look": look,
    "change": change,
    "delete": delete,
}

if __name__ == "__main__":
    action = WORDS[sys.argv[1]]
    sys.exit(running.run(lambda clock, progress: action(os.environ, clock, progress)))
