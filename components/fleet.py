"""The hosts that serve: machines of the stack's own behind its balancer, or machines that exist."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2

from components.balancer import Balancer
from components.doors import behind_balancer, reach_out
from components.machine import Machine, MachineArgs
from components.naming import Names
from components.network import Network
from components.release.rolling import FleetHost


@dataclass(frozen=True, kw_only=True)
class NewHosts:
    """Machines that the stack makes; the names are known before they exist."""

    names: tuple[str, ...]
    image_id: pulumi.Input[str]  # AMI
    instance_type: str
    volume_size: int  # GiB
    profile: pulumi.Input[str]
    user_data: str
    protected: bool


@dataclass(frozen=True, kw_only=True)
class ExistingHosts:
    """Machines that somebody else keeps; the stack only lets the balancer in and releases on them."""

    names: tuple[str, ...]
    instance_ids: tuple[str, ...]
    security_group_id: str

    def __post_init__(self) -> None:
        if len(self.names) != len(self.instance_ids):
            raise ValueError(f"{len(self.names)} names are for {len(self.instance_ids)} hosts")


@dataclass(frozen=True, kw_only=True)
class FleetArgs:
    names: Names
    network: Network
    balancer: Balancer | None  # None: the one host is reached as `components.own_door` says
    port: int
    source: NewHosts | ExistingHosts


class Fleet(pulumi.ComponentResource):
    """Nobody but a balancer reaches the hosts; a release opens port 22 for itself, and closes it."""

    hosts: dict[str, FleetHost]  # by name
    security_group_id: pulumi.Input[str]

    def __init__(self, name: str, args: FleetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:fleet:Fleet", name, None, opts)
        source = args.source
        if isinstance(source, NewHosts):
            made = ec2.SecurityGroup(
                f"{name}-hosts",
                name=args.names.hosts,
                description=f"{args.names.base}: the hosts that serve",
                vpc_id=args.network.vpc_id,
                opts=pulumi.ResourceOptions(parent=self),
            )
            self.security_group_id = made.id
            out = reach_out(name, role="hosts", group_id=made.id, parent=self)
            self.hosts = self._make(name, args.names.base, args.network.subnet_ids, source, made.id, out)
        else:
            self.security_group_id = source.security_group_id
            self.hosts = self._find(source)
        if args.balancer:
            behind_balancer(
                name,
                role="hosts",
                group_id=self.security_group_id,
                balancer_group_id=args.balancer.security_group_id,
                port=args.port,
                parent=self,
            )
        self.register_outputs({host: self.hosts[host].instance for host in self.hosts})

    def _make(
        self,
        name: str,
        base_name: str,
        subnets: Sequence[pulumi.Input[str]],
        source: NewHosts,
        security_group_id: pulumi.Input[str],
        way_out: pulumi.Resource,
    ) -> dict[str, FleetHost]:
        """Spread over the subnets in turn, so that a zone that fails takes its share only."""
        hosts = {}
        for place, host in enumerate(source.names):
            machine = Machine(
                f"{name}-{host}",
                MachineArgs(
                    tag=f"{base_name}-{host}",
                    image_id=source.image_id,
                    instance_type=source.instance_type,
                    volume_size=source.volume_size,
                    subnet_id=subnets[place % len(subnets)],
                    security_group_id=security_group_id,
                    profile=source.profile,
                    user_data=source.user_data,
                    protected=source.protected,
                ),
                pulumi.ResourceOptions(parent=self, depends_on=[way_out]),
            )
            hosts[host] = FleetHost(name=host, instance=machine.instance_id, address=machine.public_address)
        return hosts

    def _find(self, source: ExistingHosts) -> dict[str, FleetHost]:
        hosts = {}
        for host, instance in zip(source.names, source.instance_ids, strict=True):
            found = ec2.get_instance_output(instance_id=instance, opts=pulumi.InvokeOutputOptions(parent=self))
            hosts[host] = FleetHost(name=host, instance=instance, address=found.public_ip)
        return hosts
