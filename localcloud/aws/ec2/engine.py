"""The door to MiniStack's modules that EC2 instances need, beside those of the ECS scheduler's."""

import importlib
from typing import Any

from localcloud.aws.ecs.engine import Record as Record
from localcloud.aws.ecs.engine import Response as Response
from localcloud.aws.ecs.engine import Scope as Scope
from localcloud.aws.ecs.engine import evaluator as evaluator
from localcloud.aws.ecs.engine import refuse as refuse
from localcloud.aws.ecs.engine import reply as reply
from localcloud.aws.ecs.engine import scope as scope
from localcloud.aws.ecs.engine import scoped as scoped
from localcloud.aws.ecs.engine import ssm as ssm

ec2: Any = importlib.import_module("ministack.services.ec2")
iam: Any = importlib.import_module("ministack.services.iam")
sts: Any = importlib.import_module("ministack.services.sts")
concurrency: Any = importlib.import_module("ministack.core.concurrency")


def every_instance() -> list[tuple[Scope, Record]]:
    """The instances of all accounts and regions, terminated ones included while they are remembered."""
    return [((account, region), record) for (account, region, _), record in list(ec2._instances.all_items())]


def role_in(profile: Record | None) -> Record | None:
    """The role of an instance profile, if there is one."""
    names = [entry["RoleName"] if isinstance(entry, dict) else entry for entry in (profile or {}).get("Roles") or []]
    role: Record | None = iam._roles.get(names[0]) if names else None
    return role


def role_of(instance: Record) -> Record | None:
    """The role in an instance's profile; None when it has none. To be called in the instance's scope."""
    arn = (instance.get("IamInstanceProfile") or {}).get("Arn")
    return role_in(iam._lookup_instance_profile(arn=arn)) if arn else None
