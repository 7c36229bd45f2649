"""One EC2 host: known by its role, reached by the rules of its security group."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2


@dataclass(frozen=True, kw_only=True)
class MachineArgs:
    tag: str  # its Name in the console
    image_id: pulumi.Input[str]  # AMI; that of the first boot stays
    instance_type: str
    volume_size: int  # GiB
    subnet_id: pulumi.Input[str]
    security_group_id: pulumi.Input[str]
    profile: pulumi.Input[str]
    user_data: str
    protected: bool  # neither it nor its volume goes with the stack by mistake


class Machine(pulumi.ComponentResource):
    """A host that outlives changes of its image's name and of its first boot's script: those are for new hosts."""

    instance_id: pulumi.Output[str]
    public_address: pulumi.Output[str]
    private_address: pulumi.Output[str]

    def __init__(self, name: str, args: MachineArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:machine:Machine", name, None, opts)
        instance = ec2.Instance(
            name,
            ami=args.image_id,
            instance_type=args.instance_type,
            subnet_id=args.subnet_id,
            vpc_security_group_ids=[args.security_group_id],
            iam_instance_profile=args.profile,
            associate_public_ip_address=True,  # for images and packages; nothing is let in but by rule
            user_data=args.user_data,
            disable_api_termination=args.protected,
            metadata_options=ec2.InstanceMetadataOptionsArgs(
                http_endpoint="enabled",
                http_tokens="required",  # version 2 only
                http_put_response_hop_limit=1,  # the host itself, not its containers
            ),
            root_block_device=ec2.InstanceRootBlockDeviceArgs(
                volume_type="gp3",
                volume_size=args.volume_size,
                encrypted=True,
                delete_on_termination=not args.protected,
            ),
            tags={"Name": args.tag},
            # A newer AMI would replace the host, a changed script would stop it: both are for hosts made from now on.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["ami", "userData"]),
        )
        self.instance_id = instance.id
        self.public_address, self.private_address = instance.public_ip, instance.private_ip
        self.register_outputs({"instanceId": self.instance_id})
