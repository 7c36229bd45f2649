"""Images made of servers and volumes: their states, and the races in which they get lost."""

import sys
from collections.abc import Callable

from localcloud.openstack.cloud import Cloud
from localcloud.openstack.computers import disk_name
from localcloud.openstack.life import FOREVER
from localcloud.openstack.model import Thing
from localcloud.openstack.world import now

STEPS = ("image_snapshot_pending", "image_snapshot", "image_pending_upload", "image_uploading")
STEP_SECONDS = 0.1  # of each of the first three


def of_server(cloud: Cloud, server: Thing, image: Thing) -> None:
    """createImage: the server's task ends after the image is active, not with it."""
    here = cloud.alive("servers", server)
    for task in STEPS:
        if not here() or server["_task"] == "deleting":
            return
        server["_task"] = task
        if task != STEPS[-1]:
            cloud.wait(STEP_SECONDS, here)
    _save(cloud, image, lambda: cloud.computers.commit(server["id"], image["id"]))
    cloud.wait(cloud.faults.seconds("settle"), here)
    with cloud.world.lock:
        if server["_task"] in STEPS:
            server |= {"_task": None, "_imaging": None}


def of_volume(cloud: Cloud, volume: Thing, image: Thing, was: str) -> None:
    """os-volume_upload_image: the volume's old status comes back after the image is active."""
    server = volume["attachments"][0]["server_id"] if volume["attachments"] else None

    def keep() -> int:
        if server:
            return cloud.computers.commit(server, image["id"])
        return cloud.computers.copy(volume["_disk"], image["id"])

    _save(cloud, image, keep)
    cloud.wait(cloud.faults.seconds("settle"))
    with cloud.world.lock:
        if volume["status"] == "uploading":
            volume["status"] = was if volume["attachments"] else "available"


def _save(cloud: Cloud, image: Thing, keep: Callable[[], int]) -> None:
    """From queued over saving to active, unless a fault has it otherwise."""
    here = cloud.alive("images", image)
    image |= {"status": "saving", "updated_at": now()}
    faults = ("image-killed", "image-queued", "image-vanishes", "image-stuck")
    found = next((fault for name in faults if (fault := cloud.faults.take(name, whom=image["name"]))), None)
    seconds = cloud.faults.seconds("image")
    if found and found["on"] == "image-stuck":
        seconds = float(found.get("seconds", FOREVER))
    try:
        size = keep()
    except Exception as error:  # whatever the engine says: the upload has failed, as it may for Glance
        print(f"image {image['id']} cannot be kept: {error}", file=sys.stderr)
        image |= {"status": "killed", "updated_at": now()}
        return
    if not cloud.wait(seconds, here):
        return
    match found and found["on"]:
        case "image-killed":
            image |= {"status": "killed", "updated_at": now()}
        case "image-queued":
            image |= {"status": "queued", "updated_at": now()}
        case "image-vanishes":
            cloud.world.remove("images", image["id"])
        case _:
            image |= {"status": "active", "size": size, "updated_at": now(), "checksum": image["id"].replace("-", "")}
            image["_disk"] = disk_name(image["id"])
            return
    cloud.computers.forget(image["id"])
