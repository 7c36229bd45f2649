"""One ECS service as it is: read in plain values, and moved in single calls."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from actions.clients import Clients
from actions.errors import ReleaseError
from actions.request import EcsRequest

DESCRIBED_AT_ONCE = 100  # tasks per DescribeTasks call
FINISHED = ("SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED")


@dataclass(frozen=True, kw_only=True)
class Deployment:
    id: str  # what its tasks call `startedBy`
    primary: bool
    task_definition: str
    rollout: str  # IN_PROGRESS, COMPLETED, FAILED
    reason: str


@dataclass(frozen=True, kw_only=True)
class ServiceState:
    status: str
    desired: int
    deployments: tuple[Deployment, ...]

    @property
    def primary(self) -> Deployment:
        return next(deployment for deployment in self.deployments if deployment.primary)

    @property
    def settled(self) -> bool:
        return len(self.deployments) == 1 and self.primary.rollout == "COMPLETED"


@dataclass(frozen=True, kw_only=True)
class Task:
    arn: str
    started_by: str
    definition: str
    status: str
    address: str
    digest: str  # of the released container's image
    health: str
    age_seconds: float
    leaving: bool = False  # ECS wants it stopped: it takes no request any more
    stop_code: str = ""
    stopped_reason: str = ""
    exit_code: int | None = None
    container_reason: str = ""

    @property
    def id(self) -> str:
        return self.arn.rsplit("/", 1)[1]

    @property
    def stopped(self) -> bool:
        return self.leaving or self.status == "STOPPED"


@dataclass(frozen=True, kw_only=True)
class Target:
    address: str
    state: str  # initial, healthy, unhealthy, draining, unused
    reason: str
    description: str


@dataclass(frozen=True, kw_only=True)
class Look:
    """One look at everything that a deployment moves."""

    service: ServiceState
    tasks: tuple[Task, ...]
    targets: tuple[Target, ...]
    deployment_status: str = ""  # of the service deployment that is followed
    deployment_reason: str = ""

    def tasks_of(self, revision: str) -> tuple[Task, ...]:
        return tuple(task for task in self.tasks if task.definition == revision)

    def target_of(self, task: Task) -> Target | None:
        return next((target for target in self.targets if target.address == task.address), None)

    def healthy(self, revision: str) -> int:
        tasks = [task for task in self.tasks_of(revision) if not task.stopped]
        return sum(1 for task in tasks if (target := self.target_of(task)) and target.state == "healthy")


class EcsService:
    """Reads and moves the service of one request."""

    def __init__(self, aws: Clients, request: EcsRequest) -> None:
        self._ecs, self._elb = aws("ecs"), aws("elbv2")
        self._request = request
        self._names = {"cluster": request.cluster, "service": request.service}

    def state(self) -> ServiceState:
        answer = self._ecs.describe_services(cluster=self._request.cluster, services=[self._request.service])
        if not answer["services"] or answer["services"][0]["status"] == "INACTIVE":
            raise ReleaseError(f"there is no service {self._request.service} in cluster {self._request.cluster}")
        return _service_state(answer["services"][0])

    def look(self, followed: str = "") -> Look:
        """State, tasks, targets and the followed service deployment, read side by side."""
        with ThreadPoolExecutor(4) as pool:
            state = pool.submit(self.state)
            tasks = pool.submit(self._tasks)
            targets = pool.submit(self._targets)
            status, reason = self.deployment_status(followed) if followed else ("", "")
        return Look(
            service=state.result(),
            tasks=tasks.result(),
            targets=targets.result(),
            deployment_status=status,
            deployment_reason=reason,
        )

    def definition(self, arn: str) -> dict[str, Any]:
        answer = self._ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"])
        return {**answer["taskDefinition"], "tags": answer.get("tags", [])}

    def newest(self, family: str) -> str:
        """The newest active revision of a family, or '' when it has none."""
        try:
            return str(self.definition(family)["taskDefinitionArn"])
        except self._ecs.exceptions.ClientException:
            return ""

    def register(self, definition: dict[str, Any]) -> str:
        answer = self._ecs.register_task_definition(**definition)
        return str(answer["taskDefinition"]["taskDefinitionArn"])

    def deregister(self, arn: str) -> None:
        self._ecs.deregister_task_definition(taskDefinition=arn)

    def move(self, revision: str, count: int) -> None:
        """Starts a deployment, also of the revision that failed last; the service is not there when this returns."""
        self._ecs.update_service(
            **self._names,
            taskDefinition=revision,
            desiredCount=count,
            forceNewDeployment=self.state().primary.task_definition == revision,
        )

    def scale(self, count: int) -> None:
        self._ecs.update_service(**self._names, desiredCount=count)

    def service_deployments(self) -> dict[str, str]:
        """Unfinished or recent service deployments: ARN → target service revision ARN, newest first."""
        answer = self._ecs.list_service_deployments(**self._names, maxResults=20)
        briefs = sorted(answer["serviceDeployments"], key=lambda brief: brief["createdAt"], reverse=True)
        return {brief["serviceDeploymentArn"]: brief.get("targetServiceRevisionArn", "") for brief in briefs}

    def deployment_status(self, arn: str) -> tuple[str, str]:
        deployment = self._deployment(arn)
        return deployment["status"], deployment.get("statusReason", "")

    def target_definition(self, arn: str) -> str:
        """The task definition that a service deployment moves to."""
        return self._definition_of(self._deployment(arn)["targetServiceRevision"]["arn"])

    def source_definitions(self, arn: str) -> tuple[str, ...]:
        """The task definitions that a rollback of this service deployment would return to."""
        sources = self._deployment(arn).get("sourceServiceRevisions", [])
        return tuple(self._definition_of(source["arn"]) for source in sources)

    def roll_back(self, arn: str) -> None:
        self._ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")

    def _deployment(self, arn: str) -> dict[str, Any]:
        answer = self._ecs.describe_service_deployments(serviceDeploymentArns=[arn])
        if not answer["serviceDeployments"]:
            raise ReleaseError(f"ECS does not know the service deployment {arn}")
        deployment: dict[str, Any] = answer["serviceDeployments"][0]
        return deployment

    def _definition_of(self, revision_arn: str) -> str:
        answer = self._ecs.describe_service_revisions(serviceRevisionArns=[revision_arn])
        return str(answer["serviceRevisions"][0]["taskDefinition"]) if answer["serviceRevisions"] else ""

    def _tasks(self) -> tuple[Task, ...]:
        arns: list[str] = []
        for status in ("RUNNING", "STOPPED"):
            pages = self._ecs.get_paginator("list_tasks").paginate(
                cluster=self._request.cluster, serviceName=self._request.service, desiredStatus=status
            )
            arns += [arn for page in pages for arn in page["taskArns"]]
        found: list[Task] = []
        for start in range(0, len(arns), DESCRIBED_AT_ONCE):
            chunk = arns[start : start + DESCRIBED_AT_ONCE]
            answer = self._ecs.describe_tasks(cluster=self._request.cluster, tasks=chunk)
            found += [_task(task, self._request.container) for task in answer["tasks"]]
        return tuple(found)

    def _targets(self) -> tuple[Target, ...]:
        answer = self._elb.describe_target_health(TargetGroupArn=self._request.target_group)
        return tuple(
            Target(
                address=entry["Target"]["Id"],
                state=entry["TargetHealth"]["State"],
                reason=entry["TargetHealth"].get("Reason", ""),
                description=entry["TargetHealth"].get("Description", ""),
            )
            for entry in answer["TargetHealthDescriptions"]
        )


def _service_state(service: dict[str, Any]) -> ServiceState:
    return ServiceState(
        status=service["status"],
        desired=service["desiredCount"],
        deployments=tuple(
            Deployment(
                id=deployment["id"],
                primary=deployment["status"] == "PRIMARY",
                task_definition=deployment["taskDefinition"],
                rollout=deployment.get("rolloutState", "COMPLETED"),
                reason=deployment.get("rolloutStateReason", ""),
            )
            for deployment in service["deployments"]
        ),
    )


def _task(task: dict[str, Any], container_name: str) -> Task:
    container: dict[str, Any] = next((entry for entry in task["containers"] if entry["name"] == container_name), {})
    started = task.get("startedAt")
    return Task(
        arn=task["taskArn"],
        started_by=task.get("startedBy", ""),
        definition=task["taskDefinitionArn"],
        status=task["lastStatus"],
        address=_address(task),
        digest=container.get("imageDigest", ""),
        health=task.get("healthStatus", "UNKNOWN"),
        age_seconds=(datetime.now(UTC) - started).total_seconds() if started else 0.0,
        leaving=task.get("desiredStatus") == "STOPPED",
        stop_code=task.get("stopCode", ""),
        stopped_reason=task.get("stoppedReason", ""),
        exit_code=container.get("exitCode"),
        container_reason=container.get("reason", ""),
    )


def _address(task: dict[str, Any]) -> str:
    details = [detail for attachment in task.get("attachments", []) for detail in attachment.get("details", [])]
    return next((detail["value"] for detail in details if detail["name"] == "privateIPv4Address"), "")
