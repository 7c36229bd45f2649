"""Import from the AWS SDK what is used, and no more.

`ec2.Vpc` makes the SDK import all of EC2, some three hundred modules; with the other services that is a fifth of a
preview. Once installed, a service imports one module per class that is asked for. Nothing else changes.
"""

import re
import sys
from importlib import import_module
from types import ModuleType
from typing import Any

SERVICES = (
    "acm",
    "appautoscaling",
    "budgets",
    "cloudfront",
    "cloudwatch",
    "codebuild",
    "codepipeline",
    "dynamodb",
    "ec2",
    "ecr",
    "ecs",
    "iam",
    "lb",
    "s3",
    "sns",
    "ssm",
    "vpc",
)


class Service(ModuleType):
    """One service of the SDK: `LoadBalancer` lies in its module `load_balancer`, every `…Args` in `_inputs`.

    `get_image` and `get_image_output` lie in `get_image`.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("get_"):
            owner = name.removesuffix("_output")
        elif name[0].isupper():
            owner = "_inputs" if name.endswith("Args") else re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
        else:
            raise AttributeError(f"{self.__name__} is imported class by class and has no {name}")
        value = getattr(import_module(f"{self.__name__}.{owner}"), name)
        setattr(self, name, value)
        return value


def install() -> None:
    """Put the slim services in place of the SDK's; to be called before anything is asked of them."""
    import pulumi_aws

    for name in SERVICES:
        service = Service(f"pulumi_aws.{name}")
        service.__path__ = [f"{directory}/{name}" for directory in pulumi_aws.__path__]
        sys.modules[service.__name__] = service
        setattr(pulumi_aws, name, service)
