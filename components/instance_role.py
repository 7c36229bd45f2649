"""Who a host is for AWS: a role with one policy, in a profile."""

import json
from dataclasses import dataclass

import pulumi
from pulumi_aws import iam

from components import policies, policies_fleet


@dataclass(frozen=True, kw_only=True)
class InstanceRoleArgs:
    role_name: str
    about: str
    policy: policies.Document


class InstanceRole(pulumi.ComponentResource):
    """Passed on only with its policy: a host that boots can do what it must."""

    profile: pulumi.Output[str]  # its name

    def __init__(self, name: str, args: InstanceRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:identity:InstanceRole", name, None, opts)
        role = iam.Role(
            name,
            name=args.role_name,
            description=args.about,
            assume_role_policy=json.dumps(policies_fleet.instance_trust()),
            opts=pulumi.ResourceOptions(parent=self),
        )
        attached = iam.RolePolicy(
            name,
            name=args.role_name,
            role=role.name,
            policy=json.dumps(args.policy),
            opts=pulumi.ResourceOptions(parent=self),
        )
        profile = iam.InstanceProfile(
            name, name=args.role_name, role=role.name, opts=pulumi.ResourceOptions(parent=self)
        )
        self.profile = pulumi.Output.all(profile.name, attached.id).apply(lambda values: str(values[0]))
        self.register_outputs({"profile": self.profile})
