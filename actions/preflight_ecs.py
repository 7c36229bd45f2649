"""Everything a release needs, checked side by side before anything moves, and printed as a list of OK and NG."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from actions import permissions
from actions.clients import Clients
from actions.ecs import ServiceState
from actions.errors import PreflightFailed
from actions.plan_ecs import family_of
from actions.progress import Progress
from actions.request import EcsRequest

NOT_FOUND = ("NoSuchEntity", "ImageNotFoundException", "RepositoryNotFoundException")


class NotReady(Exception):
    """One check failed; the text says what was found and what would be right."""


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
        with ThreadPoolExecutor(len(checks)) as pool:
            running = {name: pool.submit(_outcome, check) for name, check in checks.items()}
        outcomes = {name: check.result() for name, check in running.items()}
        for name, (passed, text) in outcomes.items():
            progress.detail(f"{'OK' if passed else 'NG'}  {name:<12} {text}")
        problems = [f"{name}: {text}" for name, (passed, text) in outcomes.items() if not passed]
        if problems:
            raise PreflightFailed("; ".join(problems))
        return self.digest

    @property
    def _container(self) -> dict[str, Any]:
        return next(entry for entry in self.template["containerDefinitions"] if entry["name"] == self.request.container)

    def _image(self) -> str:
        try:
            answer = self.aws("ecr").describe_images(
                repositoryName=self.request.repository, imageIds=[{"imageTag": self.request.tag}]
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in NOT_FOUND:
                wanted = f"{self.request.repository}:{self.request.tag}"
                raise NotReady(f"the registry has no {wanted}; push it, or set imageTag to one it has") from error
            raise
        self.digest = str(answer["imageDetails"][0]["imageDigest"])
        return f"{self.request.tag} = {self.digest[:19]}"

    def _permissions(self) -> str:
        caller = self.aws("sts").get_caller_identity()
        principal = permissions.principal_of(caller["Arn"])
        if principal is None:
            return "the account's root user"
        wanted = permissions.needs(self.request, caller["Account"], self._role_arns(), self._log_group_name())
        try:
            refused = permissions.missing(self.aws, principal, wanted)
        except ClientError as error:
            if error.response["Error"]["Code"] in NOT_FOUND:
                return f"not checked: IAM cannot simulate {principal}"
            raise
        if refused:
            raise NotReady(f"{principal} lacks {', '.join(refused)}")
        return principal

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
        if not self.request.alarms:
            return "none"
        answer = self.aws("cloudwatch").describe_alarms(
            AlarmNames=list(self.request.alarms), AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        alarms = answer["MetricAlarms"] + answer.get("CompositeAlarms", [])
        firing = [alarm["AlarmName"] for alarm in alarms if alarm["StateValue"] == "ALARM"]
        if firing and not self.returning:
            raise NotReady(f"{', '.join(firing)} is firing; a release would hide the cause")
        return f"{', '.join(firing)} is firing, which a return does not wait for" if firing else "none is firing"

    def _role_arns(self) -> tuple[str, ...]:
        given = (self.template.get("executionRoleArn", ""), self.template.get("taskRoleArn", ""))
        return tuple(arn for arn in given if arn)

    def _log_group_name(self) -> str:
        options = self._container.get("logConfiguration", {}).get("options", {})
        return str(options.get("awslogs-group", ""))


def _outcome(check: Callable[[], str]) -> tuple[bool, str]:
    try:
        return True, check()
    except NotReady as problem:
        return False, str(problem)
    except ClientError as error:
        return False, permissions.refusal(error)
    except BotoCoreError as error:
        return False, str(error)
