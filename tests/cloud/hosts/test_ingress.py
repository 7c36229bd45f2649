"""Port 22 of real hosts: open for a run and never longer, whatever becomes of the run."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from actions.hosts.host import HostError
from actions.hosts.patience import Patience
from actions.hosts.ssh import SshAccess
from tests.cloud.hosts.conftest import PREFIX, Fleet
from tests.cloud.project import ROOT
from tests.waiting import until

pytestmark = pytest.mark.thorough  # the ordinary run meets all of this through a stack

HOLDS = """import os, sys, json, time
from actions.clients import Clients
from actions.hosts.access import access_from_environment
from actions.hosts.machine import Project
from actions.lifeline import Cancellation
from actions.progress import Progress
project = Project(name="app", directory="/opt/app", region="us-east-1")
with access_from_environment(Clients("us-east-1"), project, Cancellation(), Progress()):
    print("open", flush=True)
    time.sleep(600)
"""


def ssh(fleet: Fleet, **changed: str) -> SshAccess:
    access = fleet.access("ssh", **changed)
    assert isinstance(access, SshAccess)
    return access


def test_the_rule_of_a_killed_run_is_closed_by_the_next(fleet: Fleet) -> None:
    environment = {**os.environ, **fleet.environment, "ACCESS": "ssh"}
    killed = subprocess.Popen(
        [sys.executable, "-c", HOLDS], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert killed.stdout is not None and killed.stdout.readline() == "open\n"
    (left,) = fleet.rules()
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    killed.stdout.close()
    assert fleet.rules() == [left], "nobody could close it"
    with ssh(fleet) as access:
        (rule,) = fleet.rules()
        assert rule["Description"] != left["Description"]
        assert access.machine(fleet.hosts[0]).observe().docker
    assert fleet.rules() == []


class Moving(BaseHTTPRequestHandler):
    """Tells another's address once, and then the runner's own."""

    told: list[str] = []
    own = ""

    def do_GET(self) -> None:
        self.told.append("198.51.100.9" if not self.told else self.own)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.told[-1].encode())

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@pytest.fixture
def moving(fleet: Fleet) -> Iterator[str]:
    Moving.told, Moving.own = [], fleet.runner
    with HTTPServer(("127.0.0.1", 0), Moving) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_a_runner_whose_address_changes_goes_on(fleet: Fleet, moving: str) -> None:
    with ssh(fleet, RUNNER_ADDRESS_URL=moving) as access:
        assert [rule["CidrIpv4"] for rule in fleet.rules()] == ["198.51.100.9/32"]
        assert access.machine(fleet.hosts[0]).observe().docker
        assert [rule["CidrIpv4"] for rule in fleet.rules()] == [f"{Moving.own}/32"]
    assert fleet.rules() == []


def test_a_connection_cut_in_the_middle_is_made_again(fleet: Fleet) -> None:
    host = fleet.hosts[0]
    with ssh(fleet) as access:
        machine = access.machine(host)
        assert machine.observe().docker
        fleet.on(host, "pkill -f 'sshd: [a]dmin'")
        assert machine.observe().docker


def test_a_host_that_was_replaced_is_not_spoken_to(fleet: Fleet) -> None:
    host = fleet.hosts[1]
    name = f"{PREFIX}/hosts/{host.instance}/host-key"
    fleet.on(
        host,
        "cp -a /etc/ssh /root/ssh && rm /etc/ssh/ssh_host_ed25519_key* && "
        "ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key && systemctl restart ssh",
    )
    try:
        with ssh(fleet) as access, pytest.raises(HostError, match=r"web-2: .* shows the SSH key .* published"):
            access.machine(host).observe()
    finally:
        fleet.on(host, "cp -a /root/ssh/. /etc/ssh/ && systemctl restart ssh")
    key = fleet.ssm.get_parameter(Name=name)["Parameter"]["Value"]
    fleet.ssm.delete_parameter(Name=name)
    try:
        with ssh(fleet) as access:
            access.patience = Patience(boot=0, answer=0)
            with pytest.raises(
                HostError, match=f"web-2: it has not published its SSH key, SSM has no parameter {name}"
            ):
                access.machine(host).observe()
    finally:
        fleet.ssm.put_parameter(Name=name, Type="String", Value=key)
    with ssh(fleet) as access:
        until(lambda: access.machine(host).observe().docker, "the host is as it was", 30)
    assert fleet.rules() == []
