"""Who may speak to whom: what users ask, anybody; what stands behind a balancer, the balancer alone."""

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


def from_anywhere(
    name: str, *, group_id: pulumi.Input[str], parent: pulumi.Resource, tls: bool = True
) -> list[pulumi.Resource]:
    """Anybody may ask by HTTP and, where it is spoken, by HTTPS."""
    return [
        vpc.SecurityGroupIngressRule(
            f"{name}-{scheme}-in",
            security_group_id=group_id,
            description=f"{scheme} from anywhere",
            cidr_ipv4=ANYWHERE,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            opts=pulumi.ResourceOptions(parent=parent),
        )
        for scheme, port in (("http", 80), *((("https", 443),) if tls else ()))
    ]


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
