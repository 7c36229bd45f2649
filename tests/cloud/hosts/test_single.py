"""One host without a balancer: the release action itself, under load, with a request in flight."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from actions.probe import Probe
from tests.cloud.hosts.conftest import NGINX, PREFIX, REGION, Fleet
from tests.cloud.project import ROOT
from tests.cloud.session import LocalSession

pytestmark = pytest.mark.thorough
COMPOSE = """\
x-web: &web
  image: ${IMAGE}
  env_file: .env
  restart: always
services:
  web-a: *web
  web-b: *web
  nginx:
    image: REGISTRY/nginx:1
    ports: ["8000:8000"]
    volumes: ["../nginx:/etc/nginx/conf.d:ro"]
"""
SITE = NGINX.replace("http://web:8000", "http://$live_web:8000")
DRAIN_SECONDS = 20


class Single:
    """One host of the fleet, released by the action."""

    def __init__(self, fleet: Fleet, table: str) -> None:
        self.fleet, self.host = fleet, fleet.hosts[1]
        self.url = f"http://{self.host.address}:8000"
        host = {"name": self.host.name, "instance": self.host.instance, "address": self.host.address}
        self._environment = {
            **os.environ,
            **fleet.environment,
            "WAY": "single",
            "HOSTS": json.dumps([host]),
            "WAVE_SIZE": "1",
            "PORT": "8000",
            "URL": f"{self.url}/health/",
            "DRAIN_SECONDS": str(DRAIN_SECONDS),
            "HEALTH_RETRIES": "3",
            "HEALTH_INTERVAL_SECONDS": "10",
            "COMPOSE": COMPOSE.replace("REGISTRY", fleet.registry),
            "NGINX": SITE,
            "VARIABLES": json.dumps({"SECRET": f"{PREFIX}/secret"}),
            "RELEASES_TABLE": table,
            "REGION": REGION,
            "PASSES": "3",
            "TIMEOUT_SECONDS": "120",
            "PROJECT": "single",
            "APP_DIR": "/opt/single",
            "ACCESS": "ssm",
        }

    def release(self, version: str) -> subprocess.CompletedProcess[str]:
        environment = {**self._environment, "IMAGE": f"{self.fleet.registry}/web:{version}"}
        command = [sys.executable, "-m", "actions.release_rolling"]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)

    def webs(self) -> str:
        """The containers of the application that run."""
        return self.fleet.on(self.host, "docker ps --filter name=single-web --format '{{.Names}}'").strip()


@pytest.fixture(scope="module")
def single(fleet: Fleet, aws: LocalSession) -> Iterator[Single]:
    aws.client("dynamodb").create_table(
        TableName="releases-single",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    door = {
        "GroupId": fleet.group,
        "IpPermissions": [
            {"IpProtocol": "tcp", "FromPort": 8000, "ToPort": 8000, "IpRanges": [{"CidrIp": f"{fleet.runner}/32"}]}
        ],
    }
    fleet.ec2.authorize_security_group_ingress(**door)
    made = Single(fleet, "releases-single")
    try:
        done = made.release("v1")
        assert done.returncode == 0, done.stderr
        yield made
    finally:
        fleet.ec2.revoke_security_group_ingress(**door)
        fleet.on(made.host, "docker compose -p single down")


def test_users_go_over_without_a_request_dropped(single: Single) -> None:
    assert requests.get(single.url, timeout=5).text == "v1"
    probe = Probe(f"{single.url}/health/", serving=True)
    with ThreadPoolExecutor(1) as pool:
        probe.start()
        slow = pool.submit(requests.get, f"{single.url}/slow", timeout=60)
        done = single.release("v2")
        seen = probe.stop()
        assert done.returncode == 0, done.stderr
        assert len(slow.result().content) == 6000, "what was in flight is ended by the release before"
    assert seen.failures == 0, seen
    assert [entry.version for entry in seen.versions] == ["v1", "v2"]
    proof = json.loads(done.stdout)
    assert proof["digest"] == single.fleet.release("v2").digest
    assert single.webs().count("\n") == 0, "the release before has gone"


def test_a_release_that_never_gets_healthy_is_noticed_by_nobody(single: Single) -> None:
    assert single.release("v2").returncode == 0
    before = single.webs()
    probe = Probe(f"{single.url}/health/", serving=True)
    probe.start()
    done = single.release("crash")
    seen = probe.stop()
    assert done.returncode == 1
    assert "not recovering" in done.stderr and "undone" in done.stderr, done.stderr
    assert seen.failures == 0, seen
    assert [entry.version for entry in seen.versions] == ["v2"]
    assert single.webs() == before
