"""The way in: an application load balancer with one target group."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2, lb

from components.doors import from_anywhere
from components.naming import Names
from components.network import Network

TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"


@dataclass(frozen=True, kw_only=True)
class TargetHealth:
    """When the balancer sends a target requests; seconds."""

    path: str
    interval: int
    timeout: int
    healthy_threshold: int
    unhealthy_threshold: int


@dataclass(frozen=True, kw_only=True)
class Stickiness:
    """A user stays on one target as long as the application's own cookie lives."""

    cookie: str
    seconds: int


@dataclass(frozen=True, kw_only=True)
class BalancerArgs:
    names: Names
    network: Network
    target_port: int
    health: TargetHealth
    deregistration_delay: int  # seconds a leaving target may take to answer what it has
    certificate_arn: pulumi.Input[str] | None  # None = HTTP only
    domain: str | None  # whose name points to the balancer; None = it is known by its own name
    deletion_protection: bool
    target_type: str = "ip"  # or instance
    stickiness: Stickiness | None = None
    idle_timeout: int | None = None  # seconds without a byte before a connection is cut; None = AWS's 60

    def __post_init__(self) -> None:
        if self.domain and self.certificate_arn is None:
            raise ValueError(f"a domain is served with its certificate, got None and {self.domain}")


class Balancer(pulumi.ComponentResource):
    """HTTP, or HTTPS with HTTP sent there; requests go to healthy targets only."""

    url: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    target_group_arn: pulumi.Output[str]
    dimension: pulumi.Output[str]  # how CloudWatch calls the balancer
    target_dimension: pulumi.Output[str]  # and its target group

    def __init__(self, name: str, args: BalancerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:balancer:Balancer", name, None, opts)
        group = self._security_group(name, args)
        balancer = lb.LoadBalancer(
            f"{name}-alb",
            name=args.names.balancer,
            load_balancer_type="application",
            internal=False,
            security_groups=[group.id],
            subnets=list(args.network.subnet_ids),
            drop_invalid_header_fields=True,
            idle_timeout=args.idle_timeout,
            enable_deletion_protection=args.deletion_protection,
            opts=pulumi.ResourceOptions(parent=self),
        )
        targets = self._target_group(name, args)
        self._listeners(name, args.certificate_arn, balancer, targets)
        scheme = "https" if args.certificate_arn else "http"
        self.url = balancer.dns_name.apply(lambda host: f"{scheme}://{args.domain or host}")
        self.security_group_id = group.id
        self.target_group_arn = targets.arn
        self.dimension, self.target_dimension = balancer.arn_suffix, targets.arn_suffix
        self.register_outputs({"url": self.url, "targetGroupArn": self.target_group_arn})

    def _security_group(self, name: str, args: BalancerArgs) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(
            f"{name}-alb",
            name=args.names.balancer,
            description=f"{args.names.base}: the load balancer",
            vpc_id=args.network.vpc_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        from_anywhere(name, group_id=group.id, parent=self, tls=bool(args.certificate_arn))
        return group

    def _target_group(self, name: str, args: BalancerArgs) -> lb.TargetGroup:
        return lb.TargetGroup(
            f"{name}-tg",
            name=args.names.target_group,
            target_type=args.target_type,
            protocol="HTTP",
            port=args.target_port,
            vpc_id=args.network.vpc_id,
            deregistration_delay=args.deregistration_delay,
            health_check=lb.TargetGroupHealthCheckArgs(
                protocol="HTTP",
                port="traffic-port",
                path=args.health.path,
                matcher="200",
                interval=args.health.interval,
                timeout=args.health.timeout,
                healthy_threshold=args.health.healthy_threshold,
                unhealthy_threshold=args.health.unhealthy_threshold,
            ),
            stickiness=_stickiness(args.stickiness),
            # Who registers a target names its port. Another default would replace the group, which its name forbids.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["port"]),
        )

    def _listeners(
        self, name: str, certificate_arn: pulumi.Input[str] | None, balancer: lb.LoadBalancer, targets: lb.TargetGroup
    ) -> None:
        forward = lb.ListenerDefaultActionArgs(type="forward", target_group_arn=targets.arn)
        to_https = lb.ListenerDefaultActionArgs(
            type="redirect",
            redirect=lb.ListenerDefaultActionRedirectArgs(protocol="HTTPS", port="443", status_code="HTTP_301"),
        )
        https = [self._https(name, certificate_arn, balancer, forward)] if certificate_arn else []
        lb.Listener(
            f"{name}-http",
            load_balancer_arn=balancer.arn,
            protocol="HTTP",
            port=80,
            default_actions=[to_https if certificate_arn else forward],
            opts=pulumi.ResourceOptions(parent=self, depends_on=https),  # nobody is sent where nobody listens yet
        )

    def _https(
        self,
        name: str,
        certificate_arn: pulumi.Input[str],
        balancer: lb.LoadBalancer,
        forward: lb.ListenerDefaultActionArgs,
    ) -> pulumi.Resource:
        return lb.Listener(
            f"{name}-https",
            load_balancer_arn=balancer.arn,
            protocol="HTTPS",
            port=443,
            ssl_policy=TLS_POLICY,
            certificate_arn=certificate_arn,
            default_actions=[forward],
            opts=pulumi.ResourceOptions(parent=self),
        )


def _stickiness(stickiness: Stickiness | None) -> lb.TargetGroupStickinessArgs | None:
    if stickiness is None:
        return None
    return lb.TargetGroupStickinessArgs(
        type="app_cookie", enabled=True, cookie_name=stickiness.cookie, cookie_duration=stickiness.seconds
    )
