"""Where a system's balancer and tasks live: a VPC of its own, or one that exists."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2

ANYWHERE = "0.0.0.0/0"


@dataclass(frozen=True, kw_only=True)
class ExistingNetwork:
    """A VPC that somebody else keeps; its subnets reach the internet."""

    vpc_id: str
    subnet_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class OwnNetwork:
    """A VPC with one public subnet in each zone; the zones are named because asking for them is one permission more."""

    cidr: str
    zones: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.zones) < 2:
            raise ValueError(f"a load balancer needs two zones, got {len(self.zones)}")


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    base_name: str  # of the Name tags
    source: ExistingNetwork | OwnNetwork


class Network(pulumi.ComponentResource):
    """Two or more subnets in different zones with a way to the internet."""

    vpc_id: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:network:Network", name, None, opts)
        if isinstance(args.source, ExistingNetwork):
            self.vpc_id, self.subnet_ids = args.source.vpc_id, args.source.subnet_ids
        else:
            self._build(name, args.base_name, args.source)
        self.register_outputs({"vpcId": self.vpc_id, "subnetIds": list(self.subnet_ids)})

    def _build(self, name: str, base_name: str, own: OwnNetwork) -> None:
        vpc = ec2.Vpc(
            f"{name}-vpc",
            cidr_block=own.cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags={"Name": base_name},
            opts=self._child(),
        )
        gateway = ec2.InternetGateway(f"{name}-internet", vpc_id=vpc.id, tags={"Name": base_name}, opts=self._child())
        table = ec2.RouteTable(
            f"{name}-public", vpc_id=vpc.id, tags={"Name": f"{base_name}-public"}, opts=self._child()
        )
        route = ec2.Route(
            f"{name}-to-internet",
            route_table_id=table.id,
            destination_cidr_block=ANYWHERE,
            gateway_id=gateway.id,
            opts=self._child(),
        )
        subnets = []
        for zone, cidr in zip(own.zones, subnet_cidrs(own.cidr, len(own.zones)), strict=True):
            place = zone[-1]
            subnet = ec2.Subnet(
                f"{name}-subnet-{place}",
                vpc_id=vpc.id,
                availability_zone=zone,
                cidr_block=cidr,
                tags={"Name": f"{base_name}-public-{place}"},
                opts=self._child(),
            )
            association = ec2.RouteTableAssociation(
                f"{name}-route-{place}",
                subnet_id=subnet.id,
                route_table_id=table.id,
                opts=self._child(depends_on=[route]),
            )
            # Passed on only with its route: nothing starts in a subnet that cannot reach the registry yet.
            subnets.append(pulumi.Output.all(subnet.id, association.id).apply(lambda ids: str(ids[0])))
        self.vpc_id, self.subnet_ids = vpc.id, subnets

    def _child(self, depends_on: list[pulumi.Resource] | None = None) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=depends_on)


def subnet_cidrs(cidr: str, count: int) -> list[str]:
    """The first `count` equal parts of a network: an eighth bit smaller where there is room, /27 at the smallest."""
    network = ipaddress.IPv4Network(cidr)
    parts = network.subnets(new_prefix=min(network.prefixlen + 8, 27))
    return [str(part) for part, _ in zip(parts, range(count), strict=False)]
