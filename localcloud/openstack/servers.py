"""Nova: servers, as callers make, see and change them. What happens to them then is in `life`."""

import base64
import re

from localcloud.openstack import life, server_request
from localcloud.openstack.model import Answer, Handler, Request, Thing, nova, page
from localcloud.openstack.server_view import find, groups_of, ports_of, view
from localcloud.openstack.world import PROJECT, new_id, now


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
    root = server_request.root(world, asked, flavor)
    key = asked.get("key_name")
    if key and key not in world.of("keypairs"):
        raise nova(400, "Invalid key_name provided.")
    user_data = server_request.user_data(asked)
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
    server_request.connect(world, asked, server)
    world.add("servers", server)
    cloud.later(life.build, cloud, server)
    links = [{"rel": "self", "href": f"{request.address}/compute/v2/{PROJECT}/servers/{server['id']}"}]
    groups = [{"name": group} for group in groups_of(world, server)]
    body = {"id": server["id"], "links": links, "OS-DCF:diskConfig": "MANUAL", "security_groups": groups}
    return Answer(status=202, body={"server": {**body, "adminPass": "unused"}})


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
        for port in ports_of(request.cloud.world, find(request.cloud.world, key))
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
