"""A server as Nova shows it."""

from localcloud.openstack.model import Request, Thing, nova, shown
from localcloud.openstack.world import PROJECT, USER, World

POWER = {"ACTIVE": 1, "SHUTOFF": 4}
VM_STATES = {"BUILD": "building", "ACTIVE": "active", "SHUTOFF": "stopped", "ERROR": "error"}


def find(world: World, key: str) -> Thing:
    """The server, or Nova's 404."""
    return world.get("servers", key, nova(404, f"Instance {key} could not be found."))


def ports_of(world: World, server: Thing) -> list[Thing]:
    return [port for port in world.listed("ports") if port["device_id"] == server["id"]]


def groups_of(world: World, server: Thing) -> list[str]:
    found = {group for port in ports_of(world, server) for group in port["security_groups"]}
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
        "security_groups": [{"name": name} for name in groups_of(world, server)],
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
    for port in ports_of(world, server):
        name = world.of("networks")[port["network_id"]]["name"]
        entries = [("fixed", place["ip_address"]) for place in port["fixed_ips"]]
        floating = [other for other in world.listed("floating_ips") if other["port_id"] == port["id"]]
        entries += [("floating", other["floating_ip_address"]) for other in floating]
        found.setdefault(name, []).extend(
            {"addr": address, "version": 4, "OS-EXT-IPS:type": kind, "OS-EXT-IPS-MAC:mac_addr": port["mac_address"]}
            for kind, address in entries
        )
    return found
