"""What a task's execution role is asked before the task starts: to read its secrets, pull its image, write its log."""

import os
from typing import Any

from localcloud.aws.ecs import containers
from localcloud.aws.ecs.engine import Record, ecs, evaluator, scope, ssm

SECRETS = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
FROM_SSM = f"{SECRETS}unable to retrieve secrets from ssm: service call has been retried 1 time(s): "
FROM_ECR = f"{SECRETS}unable to retrieve ecr registry auth: service call has been retried 3 time(s): "
LOGGER = "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: "


def check(task: Record, definition: Record) -> None:
    """Raise StartError, naming the action, when the role may not do what starting this task takes.

    Nothing is asked where the cloud does not enforce IAM.
    """
    if os.environ.get("AUTH", "").lower() != "true":
        return
    account, region = scope()
    role = str(definition.get("executionRoleArn") or "").rpartition("/")[2]
    policies = evaluator._gather_role_policies(role, account) if role else []
    session = f"arn:aws:sts::{account}:assumed-role/{role or 'none'}/{task['taskArn'].rpartition('/')[2]}"
    for action, resource, prefix in needs(definition, account, region):
        question = evaluator.EvalContext(
            principal_arn=session, principal_type="AssumedRole", principal_account=account, action=action,
            resource_arn=resource, region=region,
        )  # fmt: skip
        if evaluator.evaluate(question, policies).decision != "Allow":
            raise containers.StartError(
                f"{prefix}AccessDeniedException: User: {session} is not authorized to perform: {action} on resource: "
                f"{resource} because no identity-based policy allows the {action} action"
            )


def needs(definition: Record, account: str, region: str) -> list[tuple[str, str, str]]:
    """Action, resource and the beginning of the error text, for everything the start of a task asks of AWS."""
    wanted: list[tuple[str, str, str]] = []
    for item in definition.get("containerDefinitions", []):
        for secret in item.get("secrets") or []:
            source = secret["valueFrom"]
            if "secretsmanager" in source:
                wanted.append(("secretsmanager:GetSecretValue", ":".join(source.split(":")[:7]), FROM_SSM))
            else:
                wanted.append(("ssm:GetParameters", _parameter_arn(source, account, region), FROM_SSM))
        if containers.own_registry(item["image"]):
            repository = containers.repository_of(item["image"]).partition("/")[2]
            arn = f"arn:aws:ecr:{region}:{account}:repository/{repository}"
            wanted.append(("ecr:GetAuthorizationToken", "*", FROM_ECR))
            wanted += [
                (f"ecr:{action}", arn, "CannotPullContainerError: pull image manifest has been retried 1 time(s): ")
                for action in ("BatchGetImage", "GetDownloadUrlForLayer")
            ]
        wanted += _log_needs(item, account, region)
    return wanted


def _log_needs(item: Record, account: str, region: str) -> list[tuple[str, str, str]]:
    config: Any = ecs._awslogs_config(item, "task", "container")
    if not config:
        return []
    stream = (
        f"arn:aws:logs:{config['region'] or region}:{account}:log-group:{config['group']}:log-stream:{config['stream']}"
    )
    return [(f"logs:{action}", stream, LOGGER) for action in ("CreateLogStream", "PutLogEvents")]


def _parameter_arn(source: str, account: str, region: str) -> str:
    if source.startswith("arn:"):
        return source
    _, parameter = ssm._lookup_parameter(source, allow_arn_region=True, flexible_name=True)
    arn = parameter.get("ARN") if parameter else None
    return str(arn or f"arn:aws:ssm:{region}:{account}:parameter/{source.lstrip('/')}")
