"""Everything a release needs, checked side by side before anything moves, and printed as a list of OK and NG."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from actions import checklist, permissions
from actions.checklist import NOT_FOUND, NotReady
from actions.clients import Clients
from actions.ecs import ServiceState
from actions.plan_ecs import family_of
from actions.progress import Progress
from actions.request import EcsRequest


@dataclass
class Preflight:
    """Checks one request against the world.

    `returning`: back to a verified release, which firing alarms must not stop.
    """

    aws: Clients
    request: EcsRequest
    template: dict[str, Any]
    state: ServiceState
    returning: bool
    digest: str = field(default="", init=False)

    def run(self, progress: Progress) -> str:
        """The image's digest. Raises `PreflightFailed` with every NG line."""
        checks: dict[str, Callable[[], str]] = {
            "image": self._image,
            "permissions": self._permissions,
            "roles": self._roles,
            "secrets": self._secrets,
            "log group": self._log_group,
            "service": self._service,
            "alarms": self._alarms,
        }
        checklist.run(checks, progress)
        return self.digest

    @property
    def _container(self) -> dict[str, Any]:
        return next(entry for entry in self.template["containerDefinitions"] if entry["name"] == self.request.container)

    def _image(self) -> str:
        self.digest = checklist.image_digest(self.aws, self.request.repository, self.request.tag)
        return f"{self.request.tag} = {self.digest[:19]}"

    def _permissions(self) -> str:
        return checklist.granted(
            self.aws,
            lambda account: permissions.needs(self.request, account, self._role_arns(), self._log_group_name()),
        )

    def _roles(self) -> str:
        for arn in self._role_arns():
            try:
                self.aws("iam").get_role(RoleName=arn.rsplit("/", 1)[1])
            except ClientError as error:
                if error.response["Error"]["Code"] in NOT_FOUND:
                    raise NotReady(f"the role {arn} is gone") from error
                raise
        return ", ".join(arn.rsplit("/", 1)[1] for arn in self._role_arns())

    def _secrets(self) -> str:
        """They exist, and the execution role may read them. The values themselves are never read here."""
        arns = [secret["valueFrom"] for secret in self._container.get("secrets", [])]
        names = [arn.split(":parameter", 1)[-1] for arn in arns]
        if not names:
            return "none"
        pages = (
            self.aws("ssm")
            .get_paginator("describe_parameters")
            .paginate(ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": names}])
        )
        there = {parameter["Name"] for page in pages for parameter in page["Parameters"]}
        if gone := sorted(set(names) - there):
            raise NotReady(f"the parameter store has no {', '.join(gone)}")
        wanted = [
            permissions.Need(actions=("ssm:GetParameters",), resource=arn) for arn in arns if arn.startswith("arn:")
        ]
        if refused := permissions.missing(self.aws, self.template["executionRoleArn"], wanted):
            raise NotReady(f"the execution role lacks {', '.join(refused)}")
        return f"{len(names)} readable by the execution role"

    def _log_group(self) -> str:
        name = self._log_group_name()
        groups = self.aws("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        if name and not any(group["logGroupName"] == name for group in groups):
            raise NotReady(f"there is no log group {name}")
        return name or "none"

    def _service(self) -> str:
        if self.state.status != "ACTIVE":
            raise NotReady(f"the service is {self.state.status}, not ACTIVE")
        ours = (self.request.family, family_of(self.request.template))
        for deployment in self.state.deployments:
            if deployment.rollout == "IN_PROGRESS" and family_of(deployment.task_definition) not in ours:
                raise NotReady(f"somebody else is deploying {deployment.task_definition}; wait for it or stop it")
        return (
            "stable" if self.state.settled else "an interrupted release is under way and will be finished or replaced"
        )

    def _alarms(self) -> str:
        return checklist.no_alarm(self.aws, self.request.alarms, returning=self.returning)

    def _role_arns(self) -> tuple[str, ...]:
        given = (self.template.get("executionRoleArn", ""), self.template.get("taskRoleArn", ""))
        return tuple(arn for arn in given if arn)

    def _log_group_name(self) -> str:
        options = self._container.get("logConfiguration", {}).get("options", {})
        return str(options.get("awslogs-group", ""))
