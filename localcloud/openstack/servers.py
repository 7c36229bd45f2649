"""Nova: servers, as callers make, see and change them. What happens to them then is in `life`."""

import base64
import binascii
import re

from localcloud.openstack import life
from localcloud.openstack.model import Answer, Handler, Refusal, Request, Thing, nova, page, shown
from localcloud.openstack.networks import add_port, default_group
from localcloud.openstack.world import PROJECT, USER, World, new_id, now

MOST_USER_DATA = 65535
POWER = {"ACTIVE": 1, "SHUTOFF": 4}
VM_STATES = {"BUILD": "building", "ACTIVE": "active", "SHUTOFF": "stopped", "ERROR": "error"}


def find(world: World, key: str) -> Thing:
    """The server, or Nova's 404."""
    return world.get("servers", key, nova(404, f"Instance {key} could not be found."))


def create_server(request: Request) -> Answer:
    """POST /servers: everything wrong with it is said at once, the rest happens in the background."""
    cloud, asked = request.cloud, request.part("server")
    world = cloud.world
    name = str(asked.get("name") or "")
    if not name or len(name) > 255:
        raise nova(400, "Invalid input for field/attribute name.")
    flavor = world.of("flavors").get(str(asked.get("flavorRef", "")))
    if flavor is None:
        raise nova(400, f"Flavor {asked.get('flavorRef')} could not be found.")
    root = _root(world, asked, flavor)
    key = asked.get("key_name")
    if key and key not in world.of("keypairs"):
        raise nova(400, "Invalid key_name provided.")
    user_data = _user_data(asked)
    if world.full("servers"):
        used = len(world.of("servers"))
        message = (
            f"Quota exceeded for instances: Requested 1, but already used {used} of {world.quotas['servers']} instances"
        )
        raise nova(403, message)
    server: Thing = {
        "id": new_id(),
        "name": name,
        "status": "BUILD",
        "metadata": asked.get("metadata") or {},
        "key_name": key,
        "created": now(),
        "updated": now(),
        "_flavor": flavor["id"],
        "_root": root,
        "_task": "scheduling",
        "_user_data": base64.b64encode(user_data).decode(),
        "_public_key": world.of("keypairs")[key]["public_key"] if key else "",
        "_zone": asked.get("availability_zone") or "nova",
        "_own_ports": [],
    }
    _connect(world, asked, server)
    world.add("servers", server)
    cloud.later(life.build, cloud, server)
    links = [{"rel": "self", "href": f"{request.address}/compute/v2/{PROJECT}/servers/{server['id']}"}]
    groups = [{"name": group} for group in _groups(world, server)]
    body = {"id": server["id"], "links": links, "OS-DCF:diskConfig": "MANUAL", "security_groups": groups}
    return Answer(status=202, body={"server": {**body, "adminPass": "unused"}})


def _user_data(asked: Thing) -> bytes:
    try:
        found = base64.b64decode(asked.get("user_data") or "", validate=True)
    except binascii.Error as error:
        raise nova(400, "User data needs to be valid base 64.") from error
    if len(found) > MOST_USER_DATA:
        raise nova(400, f"User data is longer than {MOST_USER_DATA} bytes.")
    return found


def _root(world: World, asked: Thing, flavor: Thing) -> Thing:
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


def _connect(world: World, asked: Thing, server: Thing) -> None:
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


def _ports(world: World, server: Thing) -> list[Thing]:
    return [port for port in world.listed("ports") if port["device_id"] == server["id"]]


def _groups(world: World, server: Thing) -> list[str]:
    found = {group for port in _ports(world, server) for group in port["security_groups"]}
    return sorted(world.of("groups")[group]["name"] for group in found if group in world.of("groups"))


def view(request: Request, server: Thing) -> Thing:
    """The server as Nova shows it."""
    world, root = request.cloud.world, server["_root"]
    image = {"id": root["id"], "links": []} if root["destination"] == "local" and root["source"] == "image" else ""
    found = {
        **shown(server),
        "tenant_id": PROJECT,
        "user_id": USER,
        "hostId": "local",
        "image": image,
        "flavor": {"id": server["_flavor"], "links": []},
        "addresses": _addresses(world, server),
        "accessIPv4": "",
        "accessIPv6": "",
        "config_drive": "",
        "progress": 0,
        "links": [{"rel": "self", "href": f"{request.address}/compute/v2/{PROJECT}/servers/{server['id']}"}],
        "security_groups": [{"name": name} for name in _groups(world, server)],
        "os-extended-volumes:volumes_attached": [{"id": root["volume"]}] if root["volume"] else [],
        "OS-DCF:diskConfig": "MANUAL",
        "OS-EXT-AZ:availability_zone": server["_zone"],
        "OS-EXT-STS:task_state": server["_task"],
        "OS-EXT-STS:vm_state": VM_STATES[server["status"]],
        "OS-EXT-STS:power_state": POWER.get(server["status"], 0),
        "OS-SRV-USG:launched_at": server.get("_launched"),
        "OS-SRV-USG:terminated_at": None,
        "NHN-EXT-ATTR:protect": False,
    }
    return found


def _addresses(world: World, server: Thing) -> Thing:
    found: dict[str, list[Thing]] = {}
    for port in _ports(world, server):
        name = world.of("networks")[port["network_id"]]["name"]
        entries = [("fixed", place["ip_address"]) for place in port["fixed_ips"]]
        floating = [other for other in world.listed("floating_ips") if other["port_id"] == port["id"]]
        entries += [("floating", other["floating_ip_address"]) for other in floating]
        found.setdefault(name, []).extend(
            {"addr": address, "version": 4, "OS-EXT-IPS:type": kind, "OS-EXT-IPS-MAC:mac_addr": port["mac_address"]}
            for kind, address in entries
        )
    return found


def list_servers(request: Request) -> Answer:
    """GET /servers and /servers/detail; `name` is a regular expression, as with Nova."""
    found = [server for server in request.cloud.world.listed("servers") if _selected(request, server)]
    things, marker = page(request, found[::-1])
    detailed = "/detail" in request.url.partition("?")[0]
    servers = [
        view(request, server) if detailed else {"id": server["id"], "name": server["name"], "links": []}
        for server in things
    ]
    body: Thing = {"servers": servers}
    if marker:
        href = (
            f"{request.address}/compute/v2/{PROJECT}{request.url.partition('?')[0]}?limit={len(things)}&marker={marker}"
        )
        body["servers_links"] = [{"rel": "next", "href": href}]
    return Answer(body=body)


def _selected(request: Request, server: Thing) -> bool:
    if request.asked("name") and not re.search(request.asked("name"), server["name"]):
        return False
    return not request.asked("status") or server["status"] == request.asked("status").upper()


def get_server(request: Request, key: str) -> Answer:
    return Answer(body={"server": view(request, find(request.cloud.world, key))})


def update_server(request: Request, key: str) -> Answer:
    server = find(request.cloud.world, key)
    server |= {"name": request.part("server").get("name", server["name"]), "updated": now()}
    return Answer(body={"server": view(request, server)})


def delete_server(request: Request, key: str) -> Answer:
    server = find(request.cloud.world, key)
    if request.cloud.faults.take("delete-refused", whom=server["name"]):
        raise nova(409, f"Cannot 'delete' instance {key} while it is in task_state {server['_task']}")
    life.delete(request.cloud, server)
    return Answer(status=204)


def get_metadata(request: Request, key: str) -> Answer:
    return Answer(body={"metadata": find(request.cloud.world, key)["metadata"]})


def add_metadata(request: Request, key: str) -> Answer:
    """POST and PUT of metadata: the first adds, the second replaces all."""
    server, wanted = find(request.cloud.world, key), request.part("metadata")
    if any(not isinstance(value, str) or len(value) > 255 for value in wanted.values()):
        raise nova(400, "Invalid input for field/attribute metadata.")
    server["metadata"] = {**(server["metadata"] if request.method == "POST" else {}), **wanted}
    return Answer(body={"metadata": server["metadata"]})


def delete_metadatum(request: Request, key: str, name: str) -> Answer:
    server = find(request.cloud.world, key)
    if name not in server["metadata"]:
        raise nova(404, "Metadata item was not found")
    del server["metadata"][name]
    return Answer(status=204)


def list_attachments(request: Request, key: str) -> Answer:
    server = find(request.cloud.world, key)
    volume = server["_root"]["volume"]
    entry = {"id": volume, "volumeId": volume, "serverId": key, "device": "/dev/vda"}
    return Answer(body={"volumeAttachments": [entry] if volume else []})


def list_interfaces(request: Request, key: str) -> Answer:
    found = [
        {"port_id": port["id"], "net_id": port["network_id"], "mac_addr": port["mac_address"],
         "port_state": port["status"], "fixed_ips": port["fixed_ips"]}
        for port in _ports(request.cloud.world, find(request.cloud.world, key))
    ]  # fmt: skip
    return Answer(body={"interfaceAttachments": found})


ROUTES: tuple[tuple[str, re.Pattern[str], Handler], ...] = (
    ("GET", re.compile(r"/servers(?:/detail)?"), list_servers),
    ("POST", re.compile(r"/servers"), create_server),
    ("GET", re.compile(r"/servers/([^/]+)"), get_server),
    ("PUT", re.compile(r"/servers/([^/]+)"), update_server),
    ("DELETE", re.compile(r"/servers/([^/]+)"), delete_server),
    ("GET", re.compile(r"/servers/([^/]+)/metadata"), get_metadata),
    ("POST", re.compile(r"/servers/([^/]+)/metadata"), add_metadata),
    ("PUT", re.compile(r"/servers/([^/]+)/metadata"), add_metadata),
    ("DELETE", re.compile(r"/servers/([^/]+)/metadata/([^/]+)"), delete_metadatum),
    ("GET", re.compile(r"/servers/([^/]+)/os-volume_attachments"), list_attachments),
    ("GET", re.compile(r"/servers/([^/]+)/os-interface"), list_interfaces),
)
