"""A service under test on a local cloud: what the ECS tests share."""

import time
import uuid
from collections.abc import Callable
from typing import Any

Record = dict[str, Any]
CONTAINER = "app"
PORT = 8000


def wait_for(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """The first true value of `condition`; fails with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.1)


class EcsService:
    """Cluster, log group, task definitions and one service; `balanced` puts it behind a load balancer of its own."""

    def __init__(self, client: Callable[[str], Any], image: str) -> None:
        self.ecs, self.elb, self.logs, self.ssm = (client(name) for name in ("ecs", "elbv2", "logs", "ssm"))
        self.image = image
        self.name = f"t{uuid.uuid4().hex[:8]}"
        self.group_arn = ""
        self.ecs.create_cluster(clusterName=self.name)
        self.logs.create_log_group(logGroupName=f"/ecs/{self.name}")

    def definition(self, mode: str = "good", version: str = "v1", *, container: Record | None = None) -> str:
        """Register a revision of the task definition and return its ARN."""
        environment = {"MODE": mode, "VERSION": version, "SECONDS": "3"}
        logs = {"awslogs-group": f"/ecs/{self.name}", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "ecs"}
        base: Record = {
            "name": CONTAINER,
            "image": self.image,
            "essential": True,
            "stopTimeout": 5,
            "portMappings": [{"containerPort": PORT}],
            "environment": [{"name": key, "value": value} for key, value in environment.items()],
            "logConfiguration": {"logDriver": "awslogs", "options": logs},
        }
        made = self.ecs.register_task_definition(
            family=self.name, networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="64",
            containerDefinitions=[{**base, **(container or {})}],
        )  # fmt: skip
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def balance(self, subnets: list[str]) -> str:
        """Create load balancer, target group and listener; returns the balancer's DNS name."""
        made = self.elb.create_load_balancer(Name=self.name, Subnets=subnets)["LoadBalancers"][0]
        group = self.elb.create_target_group(
            Name=self.name, Protocol="HTTP", Port=PORT, VpcId="vpc-00000001", TargetType="ip", HealthCheckPath="/health/",
            HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2, HealthyThresholdCount=2, UnhealthyThresholdCount=2,
        )["TargetGroups"][0]  # fmt: skip
        self.group_arn = group["TargetGroupArn"]
        self.elb.create_listener(
            LoadBalancerArn=made["LoadBalancerArn"], Port=80, Protocol="HTTP",
            DefaultActions=[{"Type": "forward", "TargetGroupArn": self.group_arn}],
        )  # fmt: skip
        return str(made["DNSName"])

    def create(self, definition: str, count: int = 2, *, breaker: bool = False, **more: Any) -> None:
        """Create the service."""
        blocks = [{"targetGroupArn": self.group_arn, "containerName": CONTAINER, "containerPort": PORT}]
        self.ecs.create_service(
            cluster=self.name, serviceName=self.name, taskDefinition=definition, desiredCount=count,
            launchType="FARGATE", loadBalancers=blocks if self.group_arn else [],
            networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
            **{"deploymentConfiguration": {
                "maximumPercent": 200, "minimumHealthyPercent": 100,
                "deploymentCircuitBreaker": {"enable": breaker, "rollback": breaker},
            }, **more},
        )  # fmt: skip

    def update(self, **changes: Any) -> Record:
        """UpdateService; the service as answered."""
        answer: Record = self.ecs.update_service(cluster=self.name, service=self.name, **changes)["service"]
        return answer

    def describe(self) -> Record:
        """The service now."""
        found: Record = self.ecs.describe_services(cluster=self.name, services=[self.name])["services"][0]
        return found

    def stable(self, seconds: float = 40) -> Record:
        """Wait until the one deployment is COMPLETED with all its tasks."""
        def settled() -> Record | None:
            found = self.describe()
            one = len(found["deployments"]) == 1 and found["deployments"][0]["rolloutState"] == "COMPLETED"
            return found if one and found["runningCount"] == found["desiredCount"] else None

        result: Record = wait_for(settled, seconds, f"service {self.name} stable: {self.describe()}")
        return result

    def tasks(self, status: str = "RUNNING") -> list[Record]:
        """Tasks by desired status."""
        arns = self.ecs.list_tasks(cluster=self.name, serviceName=self.name, desiredStatus=status)["taskArns"]
        found: list[Record] = self.ecs.describe_tasks(cluster=self.name, tasks=arns)["tasks"] if arns else []
        return found

    def stopped(self, definition: str, seconds: float = 40) -> Record:
        """The first task of that definition that is STOPPED."""
        def ended() -> Record | None:
            found = [task for task in self.tasks("STOPPED") if task["taskDefinitionArn"] == definition]
            return next((task for task in found if task["lastStatus"] == "STOPPED"), None)

        result: Record = wait_for(ended, seconds, f"a stopped task of {definition}")
        return result

    def deployment(self) -> Record:
        """The newest service deployment, in full."""
        arn = self.ecs.list_service_deployments(cluster=self.name, service=self.name)["serviceDeployments"][0]
        described = self.ecs.describe_service_deployments(serviceDeploymentArns=[arn["serviceDeploymentArn"]])
        found: Record = described["serviceDeployments"][0]
        return found

    def delete(self, seconds: float = 40) -> None:
        """Delete the service and wait until it is INACTIVE, then its cluster."""
        if self.describe()["status"] != "INACTIVE":
            self.ecs.delete_service(cluster=self.name, service=self.name, force=True)
        wait_for(lambda: self.describe()["status"] == "INACTIVE", seconds, f"service {self.name} INACTIVE")
        self.ecs.delete_cluster(cluster=self.name)
