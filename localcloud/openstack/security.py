"""Neutron: security groups with their rules, and floating IPs."""

import ipaddress
import re

from localcloud.openstack.model import Answer, Handler, Request, Thing, neutron
from localcloud.openstack.networks import common, find, one, refuse_full, routes
from localcloud.openstack.world import PROJECT, World

DUPLICATE = ("direction", "ethertype", "protocol", "port_range_min", "port_range_max", "remote_ip_prefix",
             "remote_group_id")  # fmt: skip


def add_group(world: World, name: str, description: str = "") -> Thing:
    """A group that lets everything out, as every new one does."""
    group = world.add("groups", common("groups", {"name": name, "description": description}) | {"stateful": True})
    for ethertype in ("IPv4", "IPv6"):
        _add_rule(world, {"security_group_id": group["id"], "direction": "egress", "ethertype": ethertype})
    return group


def create_group(request: Request) -> Answer:
    world, asked = request.cloud.world, request.part("security_group")
    if asked.get("name") == "default":
        raise neutron(409, "SecurityGroupDefaultAlreadyExists", "Default security group already exists.")
    refuse_full(world, "groups")
    group = add_group(world, str(asked.get("name", "")), str(asked.get("description") or ""))
    return one(request, "groups", group, 201)


def delete_group(request: Request, key: str) -> Answer:
    world = request.cloud.world
    group = find(world, "groups", key)
    if group["name"] == "default":
        raise neutron(
            409, "SecurityGroupCannotRemoveDefault", "Insufficient rights for removing default security group."
        )
    if any(key in port["security_groups"] for port in world.listed("ports")):
        raise neutron(409, "SecurityGroupInUse", f"Security Group {key} in use.")
    for rule in [rule for rule in world.listed("rules") if rule["security_group_id"] == key]:
        world.remove("rules", rule["id"])
    world.remove("groups", key)
    return Answer(status=204)


def _add_rule(world: World, asked: Thing) -> Thing:
    rule = common("rules", asked)
    del rule["name"], rule["tags"]
    rule |= {"direction": asked.get("direction"), "ethertype": asked.get("ethertype", "IPv4")}
    for name in ("protocol", "port_range_min", "port_range_max", "remote_ip_prefix", "remote_group_id"):
        rule[name] = asked.get(name)
    rule |= {"security_group_id": asked["security_group_id"], "remote_address_group_id": None}
    return world.add("rules", rule)


def create_rule(request: Request) -> Answer:
    world, asked = request.cloud.world, request.part("security_group_rule")
    find(world, "groups", str(asked.get("security_group_id", "")))
    first, last = asked.get("port_range_min"), asked.get("port_range_max")
    if (first is None) != (last is None) or not 0 <= (first or 0) <= (65535 if last is None else last) <= 65535:
        message = f"Invalid port range: port_range_min {first}, port_range_max {last}."
        raise neutron(400, "SecurityGroupInvalidPortRange", message)
    prefix = asked.get("remote_ip_prefix")
    if prefix:
        try:
            asked = {**asked, "remote_ip_prefix": str(ipaddress.ip_network(prefix))}
        except ValueError as error:
            raise neutron(400, "HTTPBadRequest", f"Invalid input for remote_ip_prefix. Reason: {error}.") from error
    for rule in world.listed("rules"):
        same = rule["security_group_id"] == asked["security_group_id"]
        if same and all(rule[name] == asked.get(name) for name in DUPLICATE):
            message = f"Security group rule already exists. Rule id is {rule['id']}."
            raise neutron(409, "SecurityGroupRuleExists", message)
    return one(request, "rules", _add_rule(world, asked), 201)


def delete_rule(request: Request, key: str) -> Answer:
    find(request.cloud.world, "rules", key)
    request.cloud.world.remove("rules", key)
    return Answer(status=204)


def create_floating_ip(request: Request) -> Answer:
    world, asked = request.cloud.world, request.part("floatingip")
    network = find(world, "networks", str(asked.get("floating_network_id", "")))
    if not network["router:external"]:
        raise neutron(400, "BadRequest", f"Network {network['id']} is not a valid external network.")
    refuse_full(world, "floating_ips")
    taken = {floating["floating_ip_address"] for floating in world.listed("floating_ips")}
    free = [address for address in request.cloud.public_addresses() if address not in taken]
    wanted = asked.get("floating_ip_address")
    if not free or (wanted and wanted not in free):
        raise neutron(409, "IpAddressGenerationFailure", f"No more IP addresses available on network {network['id']}.")
    floating = common("floating_ips", asked)
    del floating["name"]
    floating |= {"floating_network_id": network["id"], "floating_ip_address": wanted or free[0], "router_id": None}
    floating |= {"port_id": None, "fixed_ip_address": None, "status": "DOWN", "port_details": None}
    _bind(world, floating, asked.get("port_id"))
    return one(request, "floating_ips", world.add("floating_ips", floating), 201)


def _bind(world: World, floating: Thing, key: str | None) -> None:
    """Bind it to a port, or to nothing."""
    if not key:
        floating |= {"port_id": None, "fixed_ip_address": None, "status": "DOWN"}
        return
    port = find(world, "ports", key)
    others = [other for other in world.listed("floating_ips") if other["port_id"] == key]
    if others and others[0] is not floating:
        message = f"Cannot associate floating IP {floating['floating_ip_address']} with port {key}: it has one already."
        raise neutron(409, "FloatingIPPortAlreadyAssociated", message)
    address = port["fixed_ips"][0]["ip_address"]
    floating |= {"port_id": key, "fixed_ip_address": address, "status": "ACTIVE"}


def update_floating_ip(request: Request, key: str) -> Answer:
    world, asked = request.cloud.world, request.part("floatingip")
    floating = find(world, "floating_ips", key)
    if "description" in asked:
        floating["description"] = asked["description"]
    if "port_id" in asked:
        _bind(world, floating, asked["port_id"])
    return one(request, "floating_ips", floating)


def delete_floating_ip(request: Request, key: str) -> Answer:
    find(request.cloud.world, "floating_ips", key)
    request.cloud.world.remove("floating_ips", key)
    return Answer(status=204)


def list_pools(request: Request) -> Answer:
    """NHN's own way to the external networks."""
    found = [network for network in request.cloud.world.listed("networks") if network["router:external"]]
    return Answer(body={"vpcs": [{**network, "tenant_id": PROJECT} for network in found]})


ROUTES: tuple[tuple[str, re.Pattern[str], Handler], ...] = (
    ("PUT", re.compile(r"/v2\.0/floatingips/([^/]+)"), update_floating_ip),
    *routes("groups", create_group, delete_group),
    *routes("rules", create_rule, delete_rule),
    *routes("floating_ips", create_floating_ip, delete_floating_ip),
    ("GET", re.compile(r"/v2\.0/vpcs"), list_pools),
)
