"""The host that keeps the data: MySQL and Redis for every host that serves, reached by them and by nobody else."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2, vpc

from components.doors import reach_out
from components.machine import Machine, MachineArgs
from components.naming import Names
from components.network import Network
from components.release.rolling import FleetHost

PORTS = {"mysql": 3306, "redis": 6379}


@dataclass(frozen=True, kw_only=True)
class DataHostArgs:
    names: Names
    network: Network
    clients_group_id: pulumi.Input[str]  # security group of the hosts that serve
    image_id: pulumi.Input[str]
    instance_type: str
    volume_size: int  # GiB
    profile: pulumi.Input[str]
    user_data: str
    protected: bool


class DataHost(pulumi.ComponentResource):
    """Made once, and never touched by a release."""

    host: FleetHost
    address: pulumi.Output[str]  # within the VPC
    security_group_id: pulumi.Output[str]

    def __init__(self, name: str, args: DataHostArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:data:DataHost", name, None, opts)
        group = ec2.SecurityGroup(
            f"{name}-data",
            name=args.names.data_host,
            description=f"{args.names.base}: the host that keeps the data",
            vpc_id=args.network.vpc_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        for service, port in PORTS.items():
            vpc.SecurityGroupIngressRule(
                f"{name}-{service}-in",
                security_group_id=group.id,
                description=f"{service} from the hosts that serve",
                referenced_security_group_id=args.clients_group_id,
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                opts=pulumi.ResourceOptions(parent=self),
            )
        machine = Machine(
            f"{name}-data",
            MachineArgs(
                tag=args.names.data_host,
                image_id=args.image_id,
                instance_type=args.instance_type,
                volume_size=args.volume_size,
                subnet_id=args.network.subnet_ids[0],
                security_group_id=group.id,
                profile=args.profile,
                user_data=args.user_data,
                protected=args.protected,
            ),
            pulumi.ResourceOptions(
                parent=self, depends_on=[reach_out(name, role="data", group_id=group.id, parent=self)]
            ),
        )
        self.host = FleetHost(name="data", instance=machine.instance_id, address=machine.public_address)
        self.address = machine.private_address
        self.security_group_id = group.id
        self.register_outputs({"address": self.address})
