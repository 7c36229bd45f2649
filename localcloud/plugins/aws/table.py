"""Which file holds which row: a type's file is imported when the type is first used."""

import importlib

from ..server import PluginError
from .row import TABLE, Row

_FILES = {
    "aws:appautoscaling/": "autoscaling",
    "aws:budgets/": "budgets",
    "aws:cloudfront/": "cloudfront",
    "aws:cloudwatch/": "cloudwatch",
    "aws:cloudwatch/event": "events",
    "aws:codebuild/": "codebuild",
    "aws:codepipeline/": "codepipeline",
    "aws:dynamodb/": "dynamodb",
    "aws:ec2/": "ec2",
    "aws:ec2/eip": "ec2_access",
    "aws:ec2/instance:": "ec2_instance",
    "aws:ec2/keyPair:": "ec2_access",
    "aws:ec2/route": "ec2_routes",
    "aws:ec2/securityGroup:": "security",
    "aws:vpc/": "security",
    "aws:ecr/": "ecr",
    "aws:ecs/": "ecs",
    "aws:ecs/service:": "ecs_service",
    "aws:ecs/taskDefinition:": "ecs_task",
    "aws:iam/": "iam",
    "aws:iam/instanceProfile:": "iam_profile",
    "aws:lb/": "lb",
    "aws:lb/listener": "lb_listener",
    "aws:lb/targetGroup:": "lb_target",
    "aws:s3/": "s3",
    "aws:s3/bucketObjectv2:": "s3_object",
    "aws:sns/": "sns",
    "aws:sns/topicPolicy:": "sns_policy",
    "aws:ssm/": "ssm",
}


def find_row(urn: str) -> tuple[type[Row], Row]:
    """The row of a resource's type."""
    token = urn.split("::")[2].split("$")[-1]
    if token not in TABLE:
        prefixes = sorted((prefix for prefix in _FILES if token.startswith(prefix)), key=len)
        if prefixes:
            importlib.import_module(f".rows.{_FILES[prefixes[-1]]}", __package__)
    if token not in TABLE:
        raise PluginError(
            f"the local cloud's aws plugin does not offer the type {token}; a row for it belongs in {__package__}.rows"
        )
    return TABLE[token], TABLE[token]()


def every_row() -> dict[str, type[Row]]:
    """The whole table."""
    for name in set(_FILES.values()):
        importlib.import_module(f".rows.{name}", __package__)
    return dict(TABLE)
