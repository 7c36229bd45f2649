"""Neutron: ports, the places of servers in a network."""

import ipaddress
import re
import secrets

from localcloud.openstack.model import Answer, Handler, Request, Thing, neutron
from localcloud.openstack.networks import common, find, one, refuse_full, routes
from localcloud.openstack.world import World


def create_port(request: Request) -> Answer:
    return one(request, "ports", add_port(request.cloud.world, request.part("port")), 201)


def add_port(world: World, asked: Thing) -> Thing:
    """A port with an address; 404 and 409 as Neutron says them."""
    network = find(world, "networks", str(asked.get("network_id", "")))
    refuse_full(world, "ports")
    groups = asked.get("security_groups")
    for group in groups or []:
        find(world, "groups", group)
    port = common("ports", asked)
    port |= {
        "network_id": network["id"],
        "mac_address": asked.get("mac_address") or _mac(),
        "fixed_ips": [_address(world, network, asked.get("fixed_ips") or [])],
        "security_groups": groups if groups is not None else [default_group(world)["id"]],
        "device_id": asked.get("device_id", ""),
        "device_owner": asked.get("device_owner", ""),
        "status": "DOWN",
        "admin_state_up": asked.get("admin_state_up", True),
        "port_security_enabled": asked.get("port_security_enabled", True),
        "allowed_address_pairs": [],
        "extra_dhcp_opts": [],
        "binding:vnic_type": "normal",
    }
    return world.add("ports", port)


def _mac() -> str:
    return "fa:16:3e:" + ":".join(f"{byte:02x}" for byte in secrets.token_bytes(3))


def _address(world: World, network: Thing, wanted: list[Thing]) -> Thing:
    """An address that nobody has, the wanted one if one is wanted."""
    subnets = [subnet for subnet in world.listed("subnets") if subnet["network_id"] == network["id"]]
    if wanted and wanted[0].get("subnet_id"):
        subnets = [find(world, "subnets", wanted[0]["subnet_id"])]
    taken = {place["ip_address"] for port in world.listed("ports") for place in port["fixed_ips"]}
    fixed = wanted[0].get("ip_address") if wanted else None
    for subnet in subnets:
        cidr = ipaddress.ip_network(subnet["cidr"])
        hosts = [fixed] if fixed else (str(cidr[number]) for number in range(10, cidr.num_addresses - 1))
        for address in hosts:
            if address not in taken and ipaddress.ip_address(address) in cidr:
                return {"subnet_id": subnet["id"], "ip_address": address}
    if fixed:
        raise neutron(409, "IpAddressAlreadyAllocated", f"IP address {fixed} already allocated in subnet.")
    raise neutron(409, "IpAddressGenerationFailure", f"No more IP addresses available on network {network['id']}.")


def default_group(world: World) -> Thing:
    return next(group for group in world.listed("groups") if group["name"] == "default")


def delete_port(request: Request, key: str) -> Answer:
    """Also of a server's port: Neutron lets it go, and takes the floating IP off it."""
    world = request.cloud.world
    find(world, "ports", key)
    release_port(world, key)
    return Answer(status=204)


def release_port(world: World, key: str) -> None:
    """Forget a port; its floating IPs stay, bound to nothing."""
    for floating in world.listed("floating_ips"):
        if floating["port_id"] == key:
            floating |= {"port_id": None, "fixed_ip_address": None, "status": "DOWN"}
    world.remove("ports", key)


ROUTES: tuple[tuple[str, re.Pattern[str], Handler], ...] = routes("ports", create_port, delete_port)
