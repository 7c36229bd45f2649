"""Neutron: networks, subnets and ports."""

import ipaddress
import re
from typing import Any

from localcloud.openstack.model import Answer, Handler, Request, Thing, chosen, neutron, page, shown
from localcloud.openstack.world import PROJECT, World, new_id, now

# kind → name of one, name of many
WORDS = {
    "networks": ("network", "networks"),
    "subnets": ("subnet", "subnets"),
    "ports": ("port", "ports"),
    "floating_ips": ("floatingip", "floatingips"),
    "groups": ("security_group", "security_groups"),
    "rules": ("security_group_rule", "security_group_rules"),
}
NAMES = {"networks": "Network", "subnets": "Subnet", "ports": "Port", "floating_ips": "FloatingIP"}
NAMES |= {"groups": "SecurityGroup", "rules": "SecurityGroupRule"}
SETTABLE = ("name", "description", "admin_state_up", "security_groups", "device_id", "device_owner", "shared",
            "dns_nameservers", "gateway_ip", "enable_dhcp", "allowed_address_pairs", "port_security_enabled",
            "stateful")  # fmt: skip


def find(world: World, kind: str, key: str) -> Thing:
    """One of them, or Neutron's 404."""
    name = NAMES[kind]
    return world.get(kind, key, neutron(404, f"{name}NotFound", f"{name} {key} could not be found."))


def refuse_full(world: World, kind: str) -> None:
    """409 when the quota is used up."""
    if world.full(kind):
        raise neutron(409, "OverQuota", f"Quota exceeded for resources: ['{WORDS[kind][0]}'].")


def common(kind: str, asked: Thing) -> Thing:
    """What all of them have."""
    return {
        "id": new_id(),
        "name": asked.get("name", ""),
        "description": asked.get("description", ""),
        "tenant_id": PROJECT,
        "project_id": PROJECT,
        "tags": [],
        "revision_number": 1,
        "created_at": now(),
        "updated_at": now(),
    }


def view(world: World, kind: str, thing: Thing) -> Thing:
    """A group carries its rules, a network its subnets."""
    found = shown(thing)
    if kind == "groups":
        mine = [shown(rule) for rule in world.listed("rules") if rule["security_group_id"] == thing["id"]]
        found["security_group_rules"] = mine
    if kind == "networks":
        found["subnets"] = [subnet["id"] for subnet in world.listed("subnets") if subnet["network_id"] == thing["id"]]
    return found


def one(request: Request, kind: str, thing: Thing, status: int = 200) -> Answer:
    return Answer(status=status, body={WORDS[kind][0]: view(request.cloud.world, kind, thing)})


def create_network(request: Request) -> Answer:
    asked = request.part("network")
    made = add_network(request.cloud.world, str(asked.get("name", "")))
    return one(request, "networks", made, 201)


def add_network(world: World, name: str, key: str = "", external: bool = False) -> Thing:
    """A network; the external one is where floating IPs come from."""
    network = common("networks", {"name": name})
    network |= {"id": key or network["id"], "status": "ACTIVE", "admin_state_up": True, "shared": external}
    network |= {"router:external": external, "port_security_enabled": True, "mtu": 1500, "availability_zone_hints": []}
    return world.add("networks", network)


def create_subnet(request: Request) -> Answer:
    world, asked = request.cloud.world, request.part("subnet")
    network = find(world, "networks", str(asked.get("network_id", "")))
    try:
        cidr = ipaddress.ip_network(str(asked.get("cidr", "")))
    except ValueError as error:
        raise neutron(400, "HTTPBadRequest", f"Invalid input for cidr. Reason: {error}.") from error
    if any(cidr.overlaps(ipaddress.ip_network(other["cidr"])) for other in world.listed("subnets")):
        raise neutron(400, "InvalidInput", f"Requested subnet with cidr: {cidr} overlaps with another subnet.")
    subnet = add_subnet(world, network, cidr, asked)
    return one(request, "subnets", subnet, 201)


def add_subnet(world: World, network: Thing, cidr: Any, asked: Thing, key: str = "") -> Thing:
    subnet = common("subnets", asked)
    subnet["id"] = key or subnet["id"]
    subnet |= {"network_id": network["id"], "cidr": str(cidr), "ip_version": 4, "enable_dhcp": True}
    subnet |= {"gateway_ip": asked.get("gateway_ip") or str(cidr[1]), "dns_nameservers": [], "host_routes": []}
    subnet |= {"allocation_pools": [{"start": str(cidr[10]), "end": str(cidr[-2])}], "service_types": []}
    return world.add("subnets", subnet)


def _lister(kind: str) -> Handler:
    def listed(request: Request) -> Answer:
        world, many = request.cloud.world, WORDS[kind][1]
        things = [view(world, kind, thing) for thing in chosen(request, world.listed(kind))]
        found, marker = page(request, things)
        body: dict[str, Any] = {many: found}
        if marker:
            path = f"{request.address}/network/v2.0/{many.replace('_', '-')}?limit={len(found)}&marker={marker}"
            body[f"{many}_links"] = [{"rel": "next", "href": path}]
        return Answer(body=body)

    return listed


def _getter(kind: str) -> Handler:
    return lambda request, key: one(request, kind, find(request.cloud.world, kind, key))


def _updater(kind: str) -> Handler:
    def update(request: Request, key: str) -> Answer:
        world, asked = request.cloud.world, request.part(WORDS[kind][0])
        thing = find(world, kind, key)
        for name in asked.keys() - set(SETTABLE):
            raise neutron(400, "HTTPBadRequest", f"Cannot update read-only attribute {name}")
        for group in asked.get("security_groups") or []:
            find(world, "groups", group)
        thing |= asked
        thing["updated_at"] = now()
        return one(request, kind, thing)

    return update


def put_tags(request: Request, many: str, key: str) -> Answer:
    """PUT …/tags: replace them all."""
    kind = next(kind for kind, words in WORDS.items() if words[1].replace("_", "-") == many)
    thing = find(request.cloud.world, kind, key)
    thing["tags"] = list(request.body.get("tags", []))
    return Answer(body={"tags": thing["tags"]})


def delete_network(request: Request, key: str) -> Answer:
    world = request.cloud.world
    network = find(world, "networks", key)
    if any(port["network_id"] == key for port in world.listed("ports")):
        message = (
            f"Unable to complete operation on network {key}. There are one or more ports still in use on the network."
        )
        raise neutron(409, "NetworkInUse", message)
    for subnet in [subnet for subnet in world.listed("subnets") if subnet["network_id"] == network["id"]]:
        world.remove("subnets", subnet["id"])
    world.remove("networks", key)
    return Answer(status=204)


def delete_subnet(request: Request, key: str) -> Answer:
    world = request.cloud.world
    find(world, "subnets", key)
    if any(place["subnet_id"] == key for port in world.listed("ports") for place in port["fixed_ips"]):
        message = (
            f"Unable to complete operation on subnet {key}: One or more ports have an IP allocation from this subnet."
        )
        raise neutron(409, "SubnetInUse", message)
    world.remove("subnets", key)
    return Answer(status=204)


def routes(kind: str, create: Handler, delete: Handler) -> tuple[tuple[str, re.Pattern[str], Handler], ...]:
    place = f"/v2.0/{WORDS[kind][1].replace('_', '-')}"
    single = re.compile(rf"{place}/([^/]+)")
    return (
        ("GET", re.compile(place), _lister(kind)),
        ("POST", re.compile(place), create),
        ("GET", single, _getter(kind)),
        ("PUT", single, _updater(kind)),
        ("DELETE", single, delete),
    )


ROUTES: tuple[tuple[str, re.Pattern[str], Handler], ...] = (
    *routes("networks", create_network, delete_network),
    *routes("subnets", create_subnet, delete_subnet),
    ("PUT", re.compile(r"/v2\.0/([a-z-]+)/([^/]+)/tags"), put_tags),
)
