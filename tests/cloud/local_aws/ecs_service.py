"""A service under test on a local cloud of its own: what the ECS tests share."""

import io
import json
import os
import subprocess
import sys
import tarfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from tests.cloud.local_aws.web import wait_for as wait_for
from tests.ports import free_port

Record = dict[str, Any]
CONTAINER = "app"
PORT = 8000


PATIENCE_SECONDS = 90.0  # a bound for a machine that builds something else at the same time
ROLE = "ecs-test-execution"


class Cloud:
    """A running local cloud with the application in its registry."""

    def __init__(self, home: Path, environment: dict[str, str]) -> None:
        self.home = home
        self._keys = (environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])
        self._endpoint = environment["AWS_ENDPOINT_URL"]
        self.image = ""
        self.role_arn = ""

    def client(self, name: str, *keys: str) -> Any:
        """A boto3 client of this cloud, as its administrator or with an access key of somebody else."""
        identifier, secret = keys or self._keys
        make: Any = boto3.Session(
            aws_access_key_id=identifier, aws_secret_access_key=secret, region_name="us-east-1"
        ).client  # typed by literal names only
        return make(name, endpoint_url=self._endpoint)

    def prepare(self, scratch: Path) -> None:
        """Push the application and make the execution role the tasks start with."""
        ecr = self.client("ecr")
        uri = ecr.create_repository(repositoryName="ecs-app")["repository"]["repositoryUri"]
        token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
        (scratch / "config.json").write_text(json.dumps({"auths": {uri.partition("/")[0]: {"auth": token}}}))
        self.image = f"{uri}:1"
        build_image(scratch, self.image)
        push = ["docker", "--config", str(scratch), "push", "--quiet", self.image]
        subprocess.run(push, check=True, capture_output=True, timeout=60)
        iam = self.client("iam")
        trust = policy("sts:AssumeRole", Principal={"Service": "ecs-tasks.amazonaws.com"})
        self.role_arn = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        document = policy("ecr:*", "logs:*", "ssm:GetParameters", Resource="*")
        iam.put_role_policy(RoleName=ROLE, PolicyName="start", PolicyDocument=document)


@contextmanager
def running_cloud(scratch: Path) -> Iterator[Cloud]:
    """A cloud of its own for one test module."""
    home = scratch / "cloud"
    try:
        cloud = Cloud(home, json.loads(_command("start", home, "--port", str(free_port()))))
        cloud.prepare(scratch)
        yield cloud
    finally:
        _command("stop", home)
        _remove_images(scratch)


def _command(word: str, home: Path, *more: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "localcloud.aws", word, "--home", str(home), *more], cwd=Path(__file__).parents[3],
        check=False, capture_output=True, text=True, timeout=90,
    )  # fmt: skip
    assert done.returncode == 0, f"localcloud.aws {word}: {done.stderr}"
    return done.stdout


def _remove_images(scratch: Path) -> None:
    config = scratch / "config.json"
    if not config.exists():  # nothing was pushed
        return
    (host,) = json.loads(config.read_text())["auths"]
    repository = f"{host}/ecs-app"
    listed = subprocess.run(["docker", "images", "--quiet", repository], check=True, capture_output=True, text=True)
    if found := sorted(set(listed.stdout.split())):
        subprocess.run(["docker", "image", "rm", "--force", *found], check=False, capture_output=True)


def build_image(scratch: Path, name: str) -> None:
    """The test application as an image of one static file."""
    source, binary = Path(__file__).parent / "ecs_app", scratch / "app"
    subprocess.run(
        ["go", "build", "-ldflags", "-s -w", "-o", str(binary), "."], cwd=source, check=True, timeout=120,
        env={**os.environ, "CGO_ENABLED": "0"},
    )  # fmt: skip
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(binary, arcname="app")
    subprocess.run(
        ["docker", "import", "--change", 'ENTRYPOINT ["/app"]', "-", name], input=packed.getvalue(), check=True,
        capture_output=True, timeout=60,
    )  # fmt: skip


def containers(**labels: str) -> list[str]:
    """Ids of the containers, running or not, that carry these labels."""
    filters = [argument for key, value in labels.items() for argument in ("--filter", f"label={key}={value}")]
    listed = subprocess.run(
        ["docker", "ps", "--all", "--quiet", *filters], check=True, capture_output=True, text=True, timeout=30
    )
    return listed.stdout.split()


def policy(*actions: str, **members: Any) -> str:
    """A policy document of one statement that allows these actions."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, **members}]})


class EcsService:
    """Cluster, log group, task definitions and one service; `balanced` puts it behind a load balancer of its own."""

    def __init__(self, cloud: Cloud) -> None:
        self.ecs, self.elb, self.logs, self.ec2 = (cloud.client(name) for name in ("ecs", "elbv2", "logs", "ec2"))
        self.image, self._role = cloud.image, cloud.role_arn
        self.name = f"t{uuid.uuid4().hex[:8]}"
        self.group_arn = ""
        self.ecs.create_cluster(clusterName=self.name)
        self.logs.create_log_group(logGroupName=f"/ecs/{self.name}")

    def definition(self, mode: str = "good", version: str = "v1", *, container: Record | None = None) -> str:
        """Register a revision of the task definition and return its ARN."""
        environment = {"MODE": mode, "VERSION": version, "SECONDS": "1"}
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
            family=self.name, executionRoleArn=self._role, networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"], cpu="256", memory="64",
            containerDefinitions=[{**base, **(container or {})}],
        )  # fmt: skip
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def balance(self) -> str:
        """Create network, load balancer, target group and listener; returns the balancer's DNS name."""
        vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            self.ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"us-east-1{zone}")
            for number, zone in enumerate("ab")
        ]
        made = self.elb.create_load_balancer(
            Name=self.name, Subnets=[subnet["Subnet"]["SubnetId"] for subnet in subnets]
        )["LoadBalancers"][0]
        group = self.elb.create_target_group(
            Name=self.name, Protocol="HTTP", Port=PORT, VpcId=vpc, TargetType="ip", HealthCheckPath="/health/",
            HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2,
            HealthyThresholdCount=2, UnhealthyThresholdCount=2,
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

    def stable(self, seconds: float = PATIENCE_SECONDS) -> Record:
        """Wait until the one deployment is COMPLETED with all its tasks."""

        def settled() -> Record | None:
            found = self.describe()
            one = len(found["deployments"]) == 1 and found["deployments"][0]["rolloutState"] == "COMPLETED"
            return found if one and found["runningCount"] == found["desiredCount"] else None

        result: Record = wait_for(settled, seconds, "a stable service", self.describe)
        return result

    def tasks(self, status: str = "RUNNING") -> list[Record]:
        """Tasks by desired status."""
        arns = self.ecs.list_tasks(cluster=self.name, serviceName=self.name, desiredStatus=status)["taskArns"]
        found: list[Record] = self.ecs.describe_tasks(cluster=self.name, tasks=arns)["tasks"] if arns else []
        return found

    def stopped(self, definition: str, seconds: float = PATIENCE_SECONDS) -> Record:
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

    def delete(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Delete the service and wait until it is INACTIVE, then its cluster."""
        if self.describe()["status"] != "INACTIVE":
            self.ecs.delete_service(cluster=self.name, service=self.name, force=True)
        wait_for(lambda: self.describe()["status"] == "INACTIVE", seconds, f"service {self.name} INACTIVE")
        self.ecs.delete_cluster(cluster=self.name)
