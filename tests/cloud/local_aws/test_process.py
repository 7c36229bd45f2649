"""Start and stop of a local cloud: repeatable, side by side, leaving nothing."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from localcloud.aws import process
from localcloud.aws.home import CloudError, Home
from tests.cloud.local_aws.conftest import Cloud, Site
from tests.cloud.local_aws.web import wait_for
from tests.ports import free_port

PORT = free_port()

pytestmark = pytest.mark.thorough  # the ordinary run meets all of this through a stack


def test_the_life_of_a_cloud(tmp_path: Path, local_cloud: Cloud) -> None:
    home = tmp_path / "a-rather-long-name-for-a-home" / ("x" * 80)
    began = time.monotonic()
    first = process.start(home, PORT)
    assert time.monotonic() - began < 5
    try:
        assert process.start(home, PORT) == first, "a second start changes nothing"
        with pytest.raises(CloudError, match=f"already runs on port {PORT}, not 4599"):
            process.start(home, 4599)
        assert oct((home / "identity.json").stat().st_mode)[-3:] == "600"
        cloud = Cloud(home, first)
        elb = cloud.client("elbv2")
        arn = elb.create_load_balancer(Name="a", Subnets=["s"])["LoadBalancers"][0]
        action = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}
        elb.create_listener(LoadBalancerArn=arn["LoadBalancerArn"], Port=80, Protocol="HTTP", DefaultActions=[action])
        assert requests.get(f"http://{arn['DNSName']}/", timeout=5).status_code == 200
        assert requests.post(f"{cloud.endpoint}/_ministack/reset", timeout=5).status_code == 403
    finally:
        process.stop(home)
    assert process.status(home) is None
    process.stop(home)
    assert not _mentions(str(home)), "no process of the cloud is left"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((arn["DNSName"], 80))
    assert local_cloud.client("sts").get_caller_identity()["Arn"].endswith("user/administrator"), "others stay"


def test_after_a_kill_the_next_start_begins_anew(tmp_path: Path) -> None:
    first = process.start(tmp_path, PORT)
    try:
        elb = Cloud(tmp_path, first).client("elbv2")
        arn = elb.create_load_balancer(Name="a", Subnets=["s"])["LoadBalancers"][0]["LoadBalancerArn"]
        action = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}
        elb.create_listener(LoadBalancerArn=arn, Port=80, Protocol="HTTP", DefaultActions=[action])
        server = process.status(tmp_path)
        assert server is not None
        os.kill(server.pid, signal.SIGKILL)
        wait_for(lambda: process.status(tmp_path) is None, 5, "the end of the server")
        assert process.start(tmp_path, PORT) == first, "the administrator stays the same"
        again = Cloud(tmp_path, first).client("elbv2")
        arn = again.create_load_balancer(Name="a", Subnets=["s"])["LoadBalancers"][0]["LoadBalancerArn"]
        again.create_listener(LoadBalancerArn=arn, Port=80, Protocol="HTTP", DefaultActions=[action])
    finally:
        process.stop(tmp_path)
    assert not _mentions(str(tmp_path))


def test_a_killed_haproxy_is_started_anew(site: Site, local_cloud: Cloud) -> None:
    group = site.group()
    site.listen(group)
    (server,) = site.serving(group, "one")
    balancer = Home(local_cloud.home).running("haproxy")
    assert balancer is not None
    os.kill(balancer.pid, signal.SIGKILL)

    def started_anew() -> bool:
        running = Home(local_cloud.home).running("haproxy")
        return running is not None and running != balancer

    wait_for(started_anew, 10, "a new HAProxy")
    site.wait(group, server, "healthy")
    assert site.get().text == "one"


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", PORT))
        taken.listen()
        command = [sys.executable, "-m", "localcloud.aws", "start", "--home", str(tmp_path), "--port", str(PORT)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert ended.returncode == 1
    assert ended.stderr == f"Port {PORT} on 127.0.0.1 is taken by another program; end it or choose another port.\n"
    assert process.status(tmp_path) is None


def test_the_command_prints_the_environment(local_cloud: Cloud) -> None:
    command = [sys.executable, "-m", "localcloud.aws"]
    options = ["--home", str(local_cloud.home), "--port", local_cloud.environment["AWS_ENDPOINT_URL"].rsplit(":", 1)[1]]
    started = subprocess.run([*command, "start", *options], capture_output=True, text=True, check=True, timeout=30)
    assert json.loads(started.stdout) == local_cloud.environment
    assert subprocess.run([*command, "status", *options[:2]], capture_output=True, check=False).returncode == 0


def _mentions(text: str) -> list[str]:
    """Command lines of running processes that name `text`, and processes that run in it."""
    found = []
    for process_directory in Path("/proc").glob("[0-9]*"):
        try:
            line = (process_directory / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
            place = os.readlink(process_directory / "cwd")
        except OSError:
            continue
        if (text in line and "pytest" not in line) or place.startswith(text):
            found.append(line)
    return found
