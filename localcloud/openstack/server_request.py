"""What a request for a server asks for, refused at once where it is wrong: its root disk, its port, its user data."""

import base64
import binascii

from localcloud.openstack.model import Refusal, Thing, nova
from localcloud.openstack.ports import add_port, default_group
from localcloud.openstack.world import PROJECT, World

MOST_USER_DATA = 65535


def root(world: World, asked: Thing, flavor: Thing) -> Thing:
    """What the server starts from: source, its id, where the disk lies, whether it goes with the server."""
    devices = asked.get("block_device_mapping_v2") or []
    roots = [device for device in devices if device.get("boot_index") in (0, "0", None)]
    if not devices:
        if not asked.get("imageRef"):
            raise nova(400, "Block Device Mapping is Invalid: You specified no image and no root volume.")
        roots = [{"source_type": "image", "uuid": asked["imageRef"], "destination_type": "local"}]
    if len(devices) > 1 or len(roots) != 1:
        raise nova(400, "Block Device Mapping is Invalid: the local cloud's servers have one disk, the root.")
    device = roots[0]
    source, key = str(device.get("source_type")), str(device.get("uuid") or "")
    _refuse_source(world, source, key)
    where = str(device.get("destination_type") or "local")
    if where != ("local" if flavor["_local"] else "volume"):
        raise nova(400, f"Block Device Mapping is Invalid: flavor {flavor['name']} has no root disk of type {where}.")
    size = int(device.get("volume_size") or 0)
    if where == "volume" and source == "image":
        least = world.of("images")[key]["min_disk"]
        if size < least:
            raise nova(
                400, f"Volume is smaller than the minimum size specified in image metadata. Minimum is {least} GB."
            )
        if world.full("volumes"):
            raise nova(403, "VolumeLimitExceeded: Maximum number of volumes allowed exceeded for quota 'volumes'.")
    kept = not device.get("delete_on_termination", where == "local")
    return {
        "source": source,
        "id": key,
        "destination": where,
        "size": size or flavor["disk"],
        "kept": kept,
        "volume": None,
    }


def _refuse_source(world: World, source: str, key: str) -> None:
    kinds = {"image": "images", "volume": "volumes", "snapshot": "snapshots"}
    if source not in kinds:
        raise nova(400, f"Block Device Mapping is Invalid: source {source} is not supported for the root.")
    found = world.of(kinds[source]).get(key)
    if found is None:
        raise nova(400, f"Block Device Mapping is Invalid: failed to get {source} {key}.")
    wanted = "active" if source == "image" else "available"
    if found["status"] != wanted:
        raise nova(400, f"Block Device Mapping is Invalid: {source} {key} is {found['status']}, not {wanted}.")


def user_data(asked: Thing) -> bytes:
    try:
        found = base64.b64decode(asked.get("user_data") or "", validate=True)
    except binascii.Error as error:
        raise nova(400, "User data needs to be valid base 64.") from error
    if len(found) > MOST_USER_DATA:
        raise nova(400, f"User data is longer than {MOST_USER_DATA} bytes.")
    return found


def connect(world: World, asked: Thing, server: Thing) -> None:
    """Give it the ports it names, or one of its own."""
    networks = asked.get("networks") or []
    if isinstance(networks, str) or not networks:
        inner = [network for network in world.listed("networks") if not network["router:external"]]
        if len(inner) != 1:
            raise nova(409, "Multiple possible networks found, use a Network ID to be more specific.")
        networks = [{"uuid": inner[0]["id"]}]
    if len(networks) != 1:
        raise nova(400, "the local cloud's servers have one port")
    wanted = networks[0]
    if wanted.get("port"):
        port = world.of("ports").get(wanted["port"])
        if port is None:
            raise nova(400, f"Port {wanted['port']} could not be found.")
        if port["device_id"]:
            raise nova(409, f"Port {port['id']} is still in use.")
    else:
        port = _own_port(world, asked, server, wanted)
    port |= {"device_id": server["id"], "device_owner": "compute:nova"}


def _own_port(world: World, asked: Thing, server: Thing, wanted: Thing) -> Thing:
    key = wanted.get("uuid")
    if wanted.get("subnet"):  # NHN's word
        key = world.of("subnets").get(wanted["subnet"], {}).get("network_id")
    if key not in world.of("networks"):
        raise nova(400, f"Network {key} could not be found.")
    names = [group.get("name") for group in asked.get("security_groups") or []] or ["default"]
    known = {group[field]: group["id"] for group in world.listed("groups") for field in ("name", "id")}
    for name in names:
        if name not in known:
            raise nova(400, f"Security group {name} not found for project {PROJECT}.")
    fixed = [{"ip_address": wanted["fixed_ip"]}] if wanted.get("fixed_ip") else []
    groups = [known[str(name)] for name in names] or [default_group(world)["id"]]
    try:
        port = add_port(world, {"network_id": key, "security_groups": groups, "fixed_ips": fixed})
    except Refusal as refusal:
        raise nova(refusal.answer.status if refusal.answer.status != 409 else 403, str(refusal)) from refusal
    server["_own_ports"].append(port["id"])
    return port
