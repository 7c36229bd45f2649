"""Promote an image that passed its test: marked as verified, visible as wanted, older ones pruned.

`python -m actions.promote_image promote|look`. The last few verified images stay, and so does every one from which a
server or a volume was made.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from actions import running
from actions.clock import Clock
from actions.environment import text
from actions.errors import ReleaseError
from actions.openstack import credentials, run_names
from actions.openstack.client import OpenStack, Refused
from actions.openstack.images import Image, Images
from actions.openstack.servers import Servers
from actions.openstack.volumes import Volumes
from actions.progress import Progress

Environment = Mapping[str, str]


def promote(environment: Environment, clock: Clock, progress: Progress) -> dict[str, Any]:
    """Raises `ReleaseError` when the image is not one that can be promoted."""
    cloud = OpenStack(credentials.from_environment(environment))
    began = time.time()
    images = Images(cloud)
    image = _active(images, text("IMAGE", environment))
    images.set_properties(image, {"bake_verified": "true", "bake_checks": environment["CHECKS"]})
    images.set_visibility(image, environment["VISIBILITY"])
    progress.say(f"image {image.name} ({image.id}) is verified")
    pruned = _prune(cloud, clock, _active(images, image.id), int(environment["KEEP_IMAGES"]), progress)
    step = {"name": "promote", "began": began, "ended": time.time(), "after": environment["CHECKS"].split(",")}
    return {**_told(_active(images, image.id)), "pruned": pruned, "steps": [step]}


def look(environment: Environment, clock: Clock, progress: Progress) -> dict[str, Any]:
    """How the image is now; nothing when it is gone."""
    cloud = OpenStack(credentials.from_environment(environment))
    image = Images(cloud).find(text("IMAGE", environment))
    return _told(image) if image else {}


def plan_pruning(verified: list[Image], promoted: str, keep: int, used: set[str]) -> list[Image]:
    """Which verified images go: all but the promoted, the newest `keep`, and those in use. Pure."""
    newest = sorted(verified, key=lambda image: image.created, reverse=True)
    others = [image for image in newest if image.id != promoted]
    return [image for image in others[max(0, keep - 1) :] if image.id not in used and not image.protected]


def _prune(cloud: OpenStack, clock: Clock, promoted: Image, keep: int, progress: Progress) -> list[str]:
    images = Images(cloud)
    kind = _kind(promoted.name)
    verified = [image for image in images.own() if image.verified and kind and _kind(image.name) == kind]
    if len(verified) <= keep:
        return []
    used = {server.image for server in Servers(cloud, clock).all() if server.image}
    used |= {volume.image for volume in Volumes(cloud).all() if volume.image}
    gone = []
    for image in plan_pruning(verified, promoted.id, keep, used):
        progress.say(f"pruning image {image.name} ({image.id}) of {image.created}")
        try:
            images.delete(image.id)
        except Refused as refused:
            if refused.status != 409:
                raise
            progress.say(f"it stays, because it is in use: {refused}")
            continue
        gone.append(image.name)
    return gone


def _kind(name: str) -> str:
    match = run_names.PATTERN.fullmatch(name)
    return match["kind"] if match else ""


def _active(images: Images, identity: str) -> Image:
    image = images.find(identity)
    if image is None or image.status != "active":
        state = "it is gone" if image is None else f"it is {image.status}"
        raise ReleaseError(f"image {identity} cannot be promoted: {state}")
    return image


def _told(image: Image) -> dict[str, Any]:
    return {
        "image": image.id,
        "image_name": image.name,
        "verified": image.verified,
        "visibility": image.visibility,
        "checks": image.properties.get("bake_checks", ""),
    }


WORDS: dict[str, Callable[[Environment, Clock, Progress], dict[str, Any]]] = {"promote": promote, "look": look}

if __name__ == "__main__":
    action = WORDS[sys.argv[1]]
    sys.exit(running.run(lambda clock, progress: action(os.environ, clock, progress)))
