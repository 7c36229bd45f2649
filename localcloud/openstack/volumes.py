"""Cinder: volumes, their snapshots, and images made of them."""

import re
from typing import Any

from localcloud.openstack import imaging
from localcloud.openstack.computers import disk_name
from localcloud.openstack.images import add
from localcloud.openstack.model import Answer, Handler, Request, Thing, chosen, nova, page, shown
from localcloud.openstack.world import World, bare_now, new_id

TENANT = "os-vol-tenant-attr:tenant_id"
UPLOADABLE = ("available", "in-use")


def find(world: World, key: str) -> Thing:
    """The volume, or Cinder's 404."""
    return world.get("volumes", key, nova(404, f"Volume {key} could not be found."))


def create_volume(request: Request) -> Answer:
    """POST /volumes: an empty one, or one made of an image, a snapshot or another volume."""
    cloud, asked = request.cloud, request.part("volume")
    world = cloud.world
    if world.full("volumes"):
        raise nova(413, f"VolumeLimitExceeded: Maximum number of volumes allowed ({world.quotas['volumes']}) exceeded.")
    size = int(asked.get("size") or 0)
    if size < 1:
        raise nova(400, "Invalid volume: Volume size must be an integer greater than zero.")
    kinds = (("imageRef", "images"), ("snapshot_id", "snapshots"), ("source_volid", "volumes"))
    disk, metadata = None, {}
    for field, kind in kinds:
        if asked.get(field):
            source = world.get(kind, asked[field], nova(400, f"{field} {asked[field]} could not be found."))
            disk = source["_disk"]
            if kind == "images":
                metadata = {"image_id": source["id"], "image_name": source["name"]}
    volume: Thing = {
        "id": new_id(),
        "name": asked.get("name", ""),
        "description": asked.get("description", ""),
        "status": "available",
        "size": size,
        "bootable": "true" if disk else "false",
        "attachments": [],
        "volume_type": asked.get("volume_type") or "General SSD",
        "availability_zone": asked.get("availability_zone") or "nova",
        "created_at": bare_now(),
        "metadata": asked.get("metadata") or {},
        "snapshot_id": asked.get("snapshot_id"),
        "source_volid": asked.get("source_volid"),
        "encrypted": False,
        "multiattach": False,
        "_disk": disk,
    }
    volume |= {"volume_image_metadata": metadata} if metadata else {}
    return Answer(status=202, body={"volume": shown(world.add("volumes", volume))})


def list_volumes(request: Request) -> Answer:
    things, marker = page(request, chosen(request, request.cloud.world.listed("volumes"), ignore=("all_tenants",)))
    body: Thing = {"volumes": [shown(volume) for volume in things]}
    if marker:
        place = f"{request.address}{request.url.partition('?')[0]}"
        body["volumes_links"] = [{"rel": "next", "href": f"{place}?limit={len(things)}&marker={marker}"}]
    return Answer(body=body)


def get_volume(request: Request, key: str) -> Answer:
    return Answer(body={"volume": shown(find(request.cloud.world, key))})


def update_volume(request: Request, key: str) -> Answer:
    volume, asked = find(request.cloud.world, key), request.part("volume")
    volume |= {name: asked[name] for name in ("name", "description", "metadata") if name in asked}
    return Answer(body={"volume": shown(volume)})


def delete_volume(request: Request, key: str) -> Answer:
    """Refused while it is attached, uploaded, or has snapshots."""
    cloud = request.cloud
    volume = find(cloud.world, key)
    if cloud.faults.take("delete-refused", whom=volume["name"]):
        raise nova(409, f"Volume {key} is busy.")
    snapshots = [found for found in cloud.world.listed("snapshots") if found["volume_id"] == key]
    if volume["attachments"] or volume["status"] not in ("available", "error") or snapshots:
        message = "Volume status must be available or error or error_restoring and must not be migrating, attached, "
        raise nova(400, f"Invalid volume: {message}belong to a group, have snapshots. It is {volume['status']}.")
    volume["status"] = "deleting"

    def remove() -> None:
        cloud.wait(cloud.faults.seconds("delete"))
        cloud.computers.forget(key)
        cloud.world.remove("volumes", key)

    cloud.later(remove)
    return Answer(status=202)


def act(request: Request, key: str) -> Answer:
    """POST /volumes/{id}/action"""
    volume = find(request.cloud.world, key)
    if not isinstance(request.body, dict) or list(request.body) != ["os-volume_upload_image"]:
        raise nova(400, "There is no such action.")
    return _upload(request, volume, request.body["os-volume_upload_image"])


def _upload(request: Request, volume: Thing, asked: Any) -> Answer:
    """An attached volume only by force; the volume is `uploading` at once."""
    cloud = request.cloud
    if not asked.get("image_name"):
        raise nova(400, "Invalid input for field/attribute image_name.")
    was = volume["status"]
    if was not in UPLOADABLE or (was == "in-use" and not asked.get("force")):
        wanted = "available or in-use" if asked.get("force") else "available"
        raise nova(400, f"Invalid volume: Volume {volume['id']} status must be {wanted}, but current status is: {was}.")
    if cloud.world.full("images"):
        raise nova(413, "Quota exceeded, too many images.")
    if not volume["_disk"]:
        raise nova(400, f"Invalid volume: Volume {volume['id']} holds no system.")
    disk_format = asked.get("disk_format") or "raw"
    fields = {"visibility": asked.get("visibility") or "private", "protected": bool(asked.get("protected"))}
    fields |= {"min_disk": volume["size"], "container_format": asked.get("container_format") or "bare"}
    if fields["visibility"] not in ("private", "shared"):
        raise nova(403, "Policy doesn't allow volume_extension:volume_actions:upload_public to be performed.")
    image = add(cloud.world, str(asked["image_name"]), fields, disk_format=disk_format)
    volume["status"] = "uploading"
    cloud.later(imaging.of_volume, cloud, volume, image, was)
    told = {"id": volume["id"], "image_id": image["id"], "image_name": image["name"], "status": "uploading"}
    told |= {"size": volume["size"], "disk_format": disk_format, "container_format": fields["container_format"]}
    told |= {"display_description": volume["description"], "updated_at": bare_now(), "volume_type": None}
    return Answer(status=202, body={"os-volume_upload_image": told})


def create_snapshot(request: Request) -> Answer:
    """POST /snapshots: of an attached volume only by force, of an uploading one not at all."""
    cloud, asked = request.cloud, request.part("snapshot")
    volume = find(cloud.world, str(asked.get("volume_id", "")))
    allowed = ("available", "in-use") if asked.get("force") else ("available",)
    if volume["status"] not in allowed:
        wanted = f"must be {' or '.join(allowed)}, but current status is: {volume['status']}"
        raise nova(400, f"Invalid volume: Volume {volume['id']} status {wanted}.")
    snapshot: Thing = {
        "id": new_id(),
        "name": asked.get("name", ""),
        "description": asked.get("description", ""),
        "status": "creating",
        "volume_id": volume["id"],
        "size": volume["size"],
        "created_at": bare_now(),
        "metadata": asked.get("metadata") or {},
    }
    cloud.world.add("snapshots", snapshot)

    def keep() -> None:
        if volume["attachments"]:
            cloud.computers.commit(volume["attachments"][0]["server_id"], snapshot["id"])
        else:
            cloud.computers.copy(volume["_disk"], snapshot["id"])
        snapshot.update(status="available", _disk=disk_name(snapshot["id"]))

    cloud.later(keep)
    return Answer(status=202, body={"snapshot": shown(snapshot)})


def list_snapshots(request: Request) -> Answer:
    return Answer(
        body={"snapshots": [shown(found) for found in chosen(request, request.cloud.world.listed("snapshots"))]}
    )


def get_snapshot(request: Request, key: str) -> Answer:
    found = request.cloud.world.get("snapshots", key, nova(404, f"Snapshot {key} could not be found."))
    return Answer(body={"snapshot": shown(found)})


def delete_snapshot(request: Request, key: str) -> Answer:
    cloud = request.cloud
    found = cloud.world.get("snapshots", key, nova(404, f"Snapshot {key} could not be found."))
    if found["status"] not in ("available", "error"):
        raise nova(400, "Invalid snapshot: Snapshot status must be available or error.")
    cloud.world.remove("snapshots", key)
    cloud.later(cloud.computers.forget, key)
    return Answer(status=202)


ROUTES: tuple[tuple[str, re.Pattern[str], Handler], ...] = (
    ("GET", re.compile(r"/volumes(?:/detail)?"), list_volumes),
    ("POST", re.compile(r"/volumes"), create_volume),
    ("GET", re.compile(r"/volumes/([^/]+)"), get_volume),
    ("PUT", re.compile(r"/volumes/([^/]+)"), update_volume),
    ("DELETE", re.compile(r"/volumes/([^/]+)"), delete_volume),
    ("POST", re.compile(r"/volumes/([^/]+)/action"), act),
    ("GET", re.compile(r"/snapshots(?:/detail)?"), list_snapshots),
    ("POST", re.compile(r"/snapshots"), create_snapshot),
    ("GET", re.compile(r"/snapshots/([^/]+)"), get_snapshot),
    ("DELETE", re.compile(r"/snapshots/([^/]+)"), delete_snapshot),
)
