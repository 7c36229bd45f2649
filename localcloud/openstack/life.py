"""What happens to a server after its caller was answered: it is built, stopped, started, removed, found off."""

import base64
import json
import re

import yaml

from localcloud.aws.home import CloudError
from localcloud.openstack.cloud import Cloud
from localcloud.openstack.computers import Launch, disk_name
from localcloud.openstack.model import Thing
from localcloud.openstack.ports import release_port
from localcloud.openstack.world import PROJECT, bare_now, new_id, now

FOREVER = 3600.0  # of a fault that makes something hang


def build(cloud: Cloud, server: Thing) -> None:
    """From BUILD to ACTIVE, or to ERROR with its reason."""
    alive = cloud.alive("servers", server)
    if cloud.faults.take("server-error", whom=server["name"]):
        return _fail(server, "No valid host was found. There are not enough hosts available.")
    server["_task"] = "networking"
    root = server["_root"]
    with cloud.world.lock:
        if not alive():
            return
        if root["destination"] == "volume":
            server["_task"] = "block_device_mapping"
            _root_volume(cloud, server)
    if not cloud.wait(cloud.faults.seconds("boot"), alive):
        return
    server["_task"] = "spawning"
    try:
        cloud.computers.create(_launch(cloud, server))
        cloud.computers.start(server["id"])
    except CloudError as error:
        return _fail(server, str(error))
    with cloud.world.lock:
        if not alive():  # deleted while it was made
            cloud.later(cloud.computers.remove, server["id"])
            return
        for port in cloud.world.listed("ports"):
            if port["device_id"] == server["id"]:
                port["status"] = "ACTIVE"
        if root["volume"]:
            _attach(cloud.world.of("volumes")[root["volume"]], server)
        server["_no_ssh"] = cloud.faults.take("no-ssh", whom=server["name"]) is not None
        server |= {"status": "ACTIVE", "_task": None, "_launched": bare_now(), "updated": now()}


def _fail(server: Thing, reason: str) -> None:
    server |= {"status": "ERROR", "_task": None, "updated": now()}
    server["fault"] = {"code": 500, "created": now(), "message": reason, "details": ""}


def disk_of(cloud: Cloud, source: str, key: str) -> str:
    """The engine's name of the disk that an image, a volume or a snapshot holds."""
    kinds = {"image": "images", "volume": "volumes", "snapshot": "snapshots"}
    return str(cloud.world.of(kinds[source])[key]["_disk"])


def _root_volume(cloud: Cloud, server: Thing) -> None:
    """Cinder's part: a volume made of the image, or the one that is there."""
    root = server["_root"]
    if root["source"] == "volume":
        root["volume"] = root["id"]
        cloud.world.of("volumes")[root["id"]]["status"] = "attaching"
        return
    metadata = {}
    if root["source"] == "image":
        image = cloud.world.of("images").get(root["id"], {})
        metadata = {"image_id": root["id"], "image_name": image.get("name", "")}
    volume: Thing = {
        "id": new_id(),
        "name": "",
        "description": "",
        "status": "downloading",
        "size": root["size"],
        "bootable": "true",
        "attachments": [],
        "volume_type": "General SSD",
        "availability_zone": server["_zone"],
        "created_at": bare_now(),
        "metadata": {},
        "volume_image_metadata": metadata,
        "snapshot_id": root["id"] if root["source"] == "snapshot" else None,
        "source_volid": None,
        "encrypted": False,
        "multiattach": False,
        "_disk": disk_of(cloud, root["source"], root["id"]),
    }
    cloud.world.add("volumes", volume)
    root["volume"] = volume["id"]


def _attach(volume: Thing, server: Thing) -> None:
    place = {"server_id": server["id"], "volume_id": volume["id"], "device": "/dev/vda", "id": volume["id"]}
    volume |= {"status": "in-use", "attachments": [place | {"attachment_id": volume["id"]}]}


def _launch(cloud: Cloud, server: Thing) -> Launch:
    root = server["_root"]
    with cloud.world.lock:
        port = next(port for port in cloud.world.listed("ports") if port["device_id"] == server["id"])
        disk = (
            disk_of(cloud, "volume", root["volume"]) if root["volume"] else disk_of(cloud, root["source"], root["id"])
        )
    hostname = re.sub(r"[^a-z0-9-]+", "-", server["name"].lower()).strip("-")[:63] or "server"
    user_data = base64.b64decode(server["_user_data"])
    if cloud.faults.take("other-host-key", whom=server["name"]):
        user_data = _without_host_keys(user_data)
    meta = {"instance-id": server["id"], "local-hostname": hostname, "project-id": PROJECT}
    meta |= {"public-keys": [server["_public_key"].strip()]} if server["_public_key"] else {}
    return Launch(
        server_id=server["id"],
        disk=disk,
        address=port["fixed_ips"][0]["ip_address"],
        hostname=hostname,
        meta_data=json.dumps(meta),
        user_data=user_data or b"#cloud-config\n{}\n",
    )


def _without_host_keys(user_data: bytes) -> bytes:
    told = yaml.safe_load(user_data) or {}
    if not isinstance(told, dict):
        return b""
    kept = {name: value for name, value in told.items() if name != "ssh_keys"}
    return b"#cloud-config\n" + json.dumps(kept).encode()


def stop(cloud: Cloud, server: Thing) -> None:
    """From powering-off to SHUTOFF."""
    alive = cloud.alive("servers", server)
    fault = cloud.faults.take("stop-hangs", whom=server["name"])
    waited = cloud.wait(float(fault.get("seconds", FOREVER)) if fault else cloud.faults.seconds("stop"), alive)
    if waited:
        cloud.computers.stop(server["id"])
        server |= {"status": "SHUTOFF", "_task": None, "updated": now()}


def start(cloud: Cloud, server: Thing) -> None:
    """From powering-on to ACTIVE."""
    try:
        cloud.computers.start(server["id"])
    except CloudError as error:
        return _fail(server, str(error))
    server |= {"status": "ACTIVE", "_task": None, "updated": now()}


def reboot(cloud: Cloud, server: Thing) -> None:
    cloud.computers.stop(server["id"])
    start(cloud, server)


def delete(cloud: Cloud, server: Thing) -> None:
    """Begin to remove it. One that never got a host is gone at once."""
    if server["status"] == "ERROR" or server["_task"] == "scheduling":
        return _gone(cloud, server)
    if server["_task"] == "deleting":
        return
    _lose_image(cloud, server)
    server["_task"] = "deleting"
    cloud.later(_remove, cloud, server)


def _lose_image(cloud: Cloud, server: Thing) -> None:
    """Nova's race: whoever deletes a server whose image is still written loses the image, active or not."""
    image = server.get("_imaging")
    if image in cloud.world.of("images"):
        cloud.world.remove("images", str(image))
        cloud.later(cloud.computers.forget, image)


def _remove(cloud: Cloud, server: Thing) -> None:
    cloud.wait(cloud.faults.seconds("delete"))
    root = server["_root"]
    volume = cloud.world.of("volumes").get(root["volume"] or "")
    # What Cinder is uploading cannot be detached: Nova goes on, and the volume is left behind.
    kept = volume is not None and (root["kept"] or volume["status"] == "uploading")
    if volume is not None and kept:
        cloud.computers.commit(server["id"], volume["id"])
    cloud.computers.remove(server["id"])
    with cloud.world.lock:
        if volume is not None and kept:
            volume |= {"attachments": [], "_disk": disk_name(volume["id"])}
            volume["status"] = "available" if volume["status"] == "in-use" else volume["status"]
        elif volume is not None:
            cloud.world.remove("volumes", volume["id"])
        _gone(cloud, server)


def _gone(cloud: Cloud, server: Thing) -> None:
    """Forget it; a port it was given is free again, one of its own goes with it."""
    for port in [port for port in cloud.world.listed("ports") if port["device_id"] == server["id"]]:
        if port["id"] in server["_own_ports"]:
            release_port(cloud.world, port["id"])
        else:
            port |= {"device_id": "", "device_owner": "", "status": "DOWN"}
    cloud.world.remove("servers", server["id"])


def notice(cloud: Cloud, off: set[str]) -> None:
    """A server whose guest switched itself off is found SHUTOFF."""
    for server in cloud.world.listed("servers"):
        if server["id"] in off and server["status"] == "ACTIVE" and server["_task"] is None:
            server |= {"status": "SHUTOFF", "updated": now()}


def resume(cloud: Cloud) -> None:
    """After a start: what the killed process had in its hands has failed."""
    for server in cloud.world.listed("servers"):
        if server["status"] == "BUILD":
            _fail(server, "The compute service was restarted while the server was built.")
        elif server["_task"] == "deleting":
            cloud.later(_remove, cloud, server)
        server["_task"] = "deleting" if server["_task"] == "deleting" else None
        server["_imaging"] = None
    for image in [image for image in cloud.world.listed("images") if image["status"] in ("queued", "saving")]:
        cloud.world.remove("images", image["id"])
    for volume in cloud.world.listed("volumes"):
        if volume["status"] == "uploading":
            volume["status"] = "in-use" if volume["attachments"] else "available"
