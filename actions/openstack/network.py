"""Neutron: ports, floating IPs and security groups; only what finding and removing them needs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from actions.openstack.client import OpenStack


@dataclass(frozen=True, kw_only=True)
class FloatingIp:
    """An address of the outside, and the port it leads to."""

    id: str
    address: str
    port: str | None
    description: str


class Network:
    """The network of one project."""

    def __init__(self, cloud: OpenStack) -> None:
        self._cloud = cloud

    def floating_ips(self) -> Iterator[FloatingIp]:
        for found in self._cloud.pages("network", "/floatingips", "floatingips"):
            yield FloatingIp(
                id=found["id"],
                address=found.get("floating_ip_address", ""),
                port=found.get("port_id"),
                description=found.get("description") or "",
            )

    def ports(self) -> Iterator[tuple[str, str]]:
        """Id and name of each."""
        return self._named("/ports", "ports")

    def groups(self) -> Iterator[tuple[str, str]]:
        """Id and name of each security group."""
        return self._named("/security-groups", "security_groups")

    def networks(self) -> list[dict[str, Any]]:
        return list(self._cloud.pages("network", "/networks", "networks"))

    def delete_floating_ip(self, identity: str) -> bool:
        return self._cloud.delete("network", f"/floatingips/{identity}")

    def delete_port(self, identity: str) -> bool:
        return self._cloud.delete("network", f"/ports/{identity}")

    def delete_group(self, identity: str) -> bool:
        return self._cloud.delete("network", f"/security-groups/{identity}")

    def _named(self, path: str, key: str) -> Iterator[tuple[str, str]]:
        for found in self._cloud.pages("network", path, key):
            yield found["id"], found.get("name") or ""
