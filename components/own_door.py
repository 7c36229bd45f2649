"""The way in to one host without a load balancer: an address that stays, and the ports of HTTP and HTTPS."""

from dataclasses import dataclass, replace

import pulumi
from pulumi_aws import ec2

from components.doors import from_anywhere
from components.naming import Names
from components.release.rolling import FleetHost


@dataclass(frozen=True, kw_only=True)
class OwnDoorArgs:
    names: Names
    host: FleetHost
    security_group_id: pulumi.Input[str]  # of the host
    domain: str | None  # whose name points to the address; None = the host is known by the address alone


class OwnDoor(pulumi.ComponentResource):
    """HTTPS with HTTP sent there, both ended by the host's own nginx."""

    url: pulumi.Output[str]
    address: pulumi.Output[str]
    host: FleetHost  # as it is reached once it has the address

    def __init__(self, name: str, args: OwnDoorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:door:OwnDoor", name, None, opts)
        address = ec2.Eip(
            f"{name}-address",
            domain="vpc",
            instance=args.host.instance,
            tags={"Name": args.names.hosts},
            opts=pulumi.ResourceOptions(parent=self),
        )
        from_anywhere(name, group_id=args.security_group_id, parent=self)
        self.address = address.public_ip
        self.host = replace(args.host, address=address.public_ip)
        self.url = address.public_ip.apply(lambda ip: f"https://{args.domain or ip}")
        self.register_outputs({"url": self.url, "address": self.address})
