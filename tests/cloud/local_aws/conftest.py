"""A local cloud of its own for the tests of the local cloud's AWS, and load balancers with targets on it."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config

from localcloud.aws import process
from tests.cloud.local_aws.web import WebServer, wait_for
from tests.ports import free_port

# AWS's shortest interval is 5 s, which boto3 enforces; the tests have no time for that.
CONFIG = Config(parameter_validation=False, retries={"max_attempts": 0})
_numbers = itertools.count(1)


class Cloud:
    """The cloud under test, as its administrator sees it."""

    def __init__(self, home: Path, environment: dict[str, str]) -> None:
        self.home = home
        self.environment = environment
        self.endpoint = environment["AWS_ENDPOINT_URL"]
        self.keys = (environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])

    def client(self, name: str, *keys: str) -> Any:
        """A client with the administrator's access key, or with another: id, secret and session token."""
        identifier, secret, *token = keys or self.keys
        make: Any = boto3.Session().client
        return make(
            name,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=identifier,
            aws_secret_access_key=secret,
            aws_session_token=token[0] if token else None,
            config=CONFIG,
        )


@pytest.fixture(scope="session")
def local_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    home = tmp_path_factory.mktemp("aws")
    environment = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    for name in environment:
        del os.environ[name]
    try:
        yield Cloud(home, process.start(home, free_port()))
    finally:
        process.stop(home)
        os.environ.update(environment)


class Site:
    """A load balancer with one listener and any number of target groups and targets."""

    def __init__(self, cloud: Cloud) -> None:
        self.elb = cloud.client("elbv2")
        self.number = next(_numbers)
        self.balancer = self.elb.create_load_balancer(Name=f"alb{self.number}", Subnets=["subnet-1"])["LoadBalancers"][
            0
        ]
        self.host: str = self.balancer["DNSName"]
        self._servers: list[WebServer] = []
        self._groups: list[str] = []

    def group(self, **settings: Any) -> str:
        defaults = {
            "Protocol": "HTTP",
            "Port": 80,
            "VpcId": "vpc-1",
            "TargetType": "ip",
            "HealthCheckPath": "/health/",
            "HealthCheckIntervalSeconds": 1,
            "HealthCheckTimeoutSeconds": 1,
            "HealthyThresholdCount": 1,  # less than AWS allows, to be fast
            "UnhealthyThresholdCount": 1,
        }
        name = f"group{self.number}-{len(self._groups)}"
        created = self.elb.create_target_group(Name=name, **{**defaults, **settings})
        self._groups.append(created["TargetGroups"][0]["TargetGroupArn"])
        return self._groups[-1]

    def listen(self, *actions: Any, port: int = 80, **settings: Any) -> str:
        """A listener; an action that is a group's ARN forwards to it."""
        given = [{"Type": "forward", "TargetGroupArn": item} if isinstance(item, str) else item for item in actions]
        created = self.elb.create_listener(
            LoadBalancerArn=self.balancer["LoadBalancerArn"],
            Port=port,
            Protocol=settings.pop("Protocol", "HTTP"),
            DefaultActions=given,
            **settings,
        )
        return str(created["Listeners"][0]["ListenerArn"])

    def attributes(self, group: str, **values: str) -> None:
        listed = [{"Key": key.replace("__", "."), "Value": value} for key, value in values.items()]
        self.elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=listed)

    def server(self, name: str) -> WebServer:
        server = WebServer(f"127.0.{40 + self.number}.{len(self._servers) + 1}", 8000, name)
        self._servers.append(server)
        return server

    def register(self, group: str, *servers: WebServer) -> None:
        self.elb.register_targets(TargetGroupArn=group, Targets=[server.target for server in servers])

    def deregister(self, group: str, *servers: WebServer) -> None:
        self.elb.deregister_targets(TargetGroupArn=group, Targets=[server.target for server in servers])

    def serving(self, group: str, *names: str) -> list[WebServer]:
        """New servers that are registered and healthy."""
        servers = [self.server(name) for name in names]
        self.register(group, *servers)
        for server in servers:
            self.wait(group, server, "healthy")
        return servers

    def health(self, group: str, server: WebServer) -> dict[str, str]:
        found = self.elb.describe_target_health(TargetGroupArn=group, Targets=[server.target])
        return dict(found["TargetHealthDescriptions"][0]["TargetHealth"])

    def wait(self, group: str, server: WebServer, state: str, seconds: float = 10) -> dict[str, str]:
        def reached() -> dict[str, str] | None:
            health = self.health(group, server)
            return health if health["State"] == state else None

        found: dict[str, str] = wait_for(reached, seconds, f"{server.name} {state}")
        return found

    def get(self, path: str = "/", **options: Any) -> requests.Response:
        return requests.get(f"http://{self.host}{path}", timeout=10, allow_redirects=False, **options)

    def close(self) -> None:
        self.elb.delete_load_balancer(LoadBalancerArn=self.balancer["LoadBalancerArn"])
        for group in self._groups:
            self.elb.delete_target_group(TargetGroupArn=group)
        for server in self._servers:
            server.hang.set()
            server.close()


@pytest.fixture
def site(local_cloud: Cloud) -> Iterator[Site]:
    made = Site(local_cloud)
    try:
        yield made
    finally:
        made.close()
