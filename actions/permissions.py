"""Which AWS actions an ECS release needs, asked of IAM before anything moves, so that every missing one is named at
once.
"""

import re
from dataclasses import dataclass

from botocore.exceptions import ClientError

from actions.clients import Clients
from actions.request import EcsRequest

ASSUMED_ROLE = re.compile(r"^arn:(aws[\w-]*):sts::(\d+):assumed-role/([^/]+)/")


@dataclass(frozen=True, kw_only=True)
class Need:
    """Actions on one resource, with the condition keys that the real call carries."""

    actions: tuple[str, ...]
    resource: str
    context: tuple[tuple[str, str], ...] = ()  # condition key, value


def needs(request: EcsRequest, account: str, roles: tuple[str, ...], log_group: str) -> list[Need]:
    """Everything the release calls, by resource. The release role's policy grants exactly this and the image push."""
    place = f"{request.region}:{account}"
    service = f"{request.cluster}/{request.service}"
    own = "ecs:ListServiceDeployments ecs:DescribeServices ecs:UpdateService"
    deployments = "ecs:DescribeServiceDeployments ecs:StopServiceDeployment"
    definitions = "ecs:RegisterTaskDefinition ecs:DeregisterTaskDefinition"
    wanted = [
        ("ecr:DescribeImages", f"arn:aws:ecr:{place}:repository/{request.repository}"),
        (own, f"arn:aws:ecs:{place}:service/{service}"),
        (deployments, f"arn:aws:ecs:{place}:service-deployment/{service}/*"),
        ("ecs:DescribeServiceRevisions", f"arn:aws:ecs:{place}:service-revision/{service}/*"),
        (definitions, f"arn:aws:ecs:{place}:task-definition/{request.family}:*"),
        ("ecs:DescribeTasks", f"arn:aws:ecs:{place}:task/{request.cluster}/*"),
        ("ecs:DescribeTaskDefinition elasticloadbalancing:DescribeTargetHealth ssm:DescribeParameters", "*"),
        ("logs:DescribeLogGroups", f"arn:aws:logs:{place}:log-group:{log_group}"),
        ("logs:GetLogEvents", f"arn:aws:logs:{place}:log-group:{log_group}:log-stream:*"),
        ("dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem", f"arn:aws:dynamodb:{place}:table/{request.table}"),
    ]
    wanted += [("cloudwatch:DescribeAlarms", f"arn:aws:cloudwatch:{place}:alarm:{name}") for name in request.alarms]
    wanted += [("iam:GetRole", role) for role in roles]
    found = [Need(actions=tuple(actions.split()), resource=resource) for actions, resource in wanted]
    cluster = (("ecs:cluster", f"arn:aws:ecs:{place}:cluster/{request.cluster}"),)
    revisions = f"arn:aws:ecs:{place}:task-definition/{request.family}:*"
    registering = (("ecs:CreateAction", "RegisterTaskDefinition"),)
    found.append(Need(actions=("ecs:ListTasks",), resource="*", context=cluster))
    found.append(Need(actions=("ecs:TagResource",), resource=revisions, context=registering))
    to_tasks = (("iam:PassedToService", "ecs-tasks.amazonaws.com"),)
    found += [Need(actions=("iam:PassRole",), resource=role, context=to_tasks) for role in roles]
    return found


def principal_of(caller_arn: str) -> str | None:
    """The role or user whose policies apply, or None for the account's root, who may do everything."""
    if assumed := ASSUMED_ROLE.match(caller_arn):
        partition, account, role = assumed.groups()
        return f"arn:{partition}:iam::{account}:role/{role}"
    return None if caller_arn.endswith(":root") else caller_arn


def missing(aws: Clients, principal: str, wanted: list[Need]) -> list[str]:
    """Every action of `wanted` that IAM refuses to `principal`, as `action on resource`.

    Raises ClientError when the simulation itself is refused or the principal cannot be found.
    """
    refused: list[str] = []
    for need in wanted:
        context = [
            {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
            for key, value in need.context
        ]
        answer = aws("iam").simulate_principal_policy(
            PolicySourceArn=principal,
            ActionNames=list(need.actions),
            ResourceArns=[need.resource],
            ContextEntries=context,
        )
        for result in answer["EvaluationResults"]:
            if result["EvalDecision"] != "allowed":
                refused.append(f"{result['EvalActionName']} on {need.resource}")
    return refused


def refusal(error: ClientError) -> str:
    """AWS's own sentence: it names the action that was refused."""
    return f"{error.response['Error'].get('Code', '')}: {error.response['Error'].get('Message', '')}"
