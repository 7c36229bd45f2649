"""Which AWS actions a rolling release needs by resource; the release role's policy grants exactly this."""

from actions.permissions import Need
from actions.rolling.request import RollingRequest


def needs(asked: RollingRequest, account: str) -> list[Need]:
    """Everything the release calls, on its way to the hosts too."""
    place = f"{asked.region}:{account}"
    image = "ecr:DescribeImages ecr:BatchGetImage ecr:GetDownloadUrlForLayer"
    moves = "elasticloadbalancing:RegisterTargets elasticloadbalancing:DeregisterTargets"
    balancer = [("elasticloadbalancing:DescribeTargetHealth", "*"), (moves, asked.target_group)]
    wanted = [
        ("ecr:GetAuthorizationToken", "*"),
        *([] if asked.single else balancer),
        (image, f"arn:aws:ecr:{place}:repository/{asked.repository}"),
        ("dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem", f"arn:aws:dynamodb:{place}:table/{asked.table}"),
    ]
    wanted += [("cloudwatch:DescribeAlarms", f"arn:aws:cloudwatch:{place}:alarm:{name}") for name in asked.alarms]
    wanted += _reaching(asked, place)
    return [Need(actions=tuple(actions.split()), resource=resource) for actions, resource in wanted]


def _reaching(asked: RollingRequest, place: str) -> list[tuple[str, str]]:
    """What the way to the hosts calls, as `actions.hosts` goes it."""
    access = asked.access
    instances = [f"arn:aws:ec2:{place}:instance/{host.instance}" for host in asked.hosts]
    if access.method == "ssm":
        document = f"arn:aws:ssm:{asked.region}::document/AWS-RunShellScript"
        return [
            ("ssm:GetCommandInvocation", "*"),
            *(("ssm:SendCommand", resource) for resource in (document, *instances)),
        ]
    parameters = [access.key_parameter, f"{access.host_keys_prefix.rstrip('/')}/*"]
    door = "ec2:AuthorizeSecurityGroupIngress ec2:RevokeSecurityGroupIngress"
    return [
        ("ec2:DescribeSecurityGroupRules", "*"),
        (door, f"arn:aws:ec2:{place}:security-group/{access.security_group}"),
        *(("ssm:GetParameter", f"arn:aws:ssm:{place}:parameter{name}") for name in parameters),
    ]
