"""Who may speak to what stands behind a balancer: the balancer alone, and it to nobody else."""

import pulumi
from pulumi_aws import vpc

from components.network import ANYWHERE


def reach_out(name: str, *, role: str, group_id: pulumi.Input[str], parent: pulumi.Resource) -> pulumi.Resource:
    """To anywhere."""
    return vpc.SecurityGroupEgressRule(
        f"{name}-{role}-out",
        security_group_id=group_id,
        description="to anywhere",
        cidr_ipv4=ANYWHERE,
        ip_protocol="-1",
        opts=pulumi.ResourceOptions(parent=parent),
    )


def behind_balancer(
    name: str,
    *,
    role: str,
    group_id: pulumi.Input[str],
    balancer_group_id: pulumi.Input[str],
    port: int,
    parent: pulumi.Resource,
) -> list[pulumi.Resource]:
    """Members of the group hear the balancer on one port, which speaks to them there and to nobody else."""
    hear = vpc.SecurityGroupIngressRule(
        f"{name}-{role}-in",
        security_group_id=group_id,
        description="from the load balancer",
        referenced_security_group_id=balancer_group_id,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    speak = vpc.SecurityGroupEgressRule(
        f"{name}-alb-out",
        security_group_id=balancer_group_id,
        description=f"to the {role}",
        referenced_security_group_id=group_id,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return [hear, speak]
