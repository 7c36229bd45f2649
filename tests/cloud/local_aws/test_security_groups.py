"""Security groups as another machine of the network, and the user of the host, meet them."""

import contextlib
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from tests.cloud.local_aws.conftest import Cloud, Site
from tests.waiting import until

SECONDS = 15.0  # a rule is in force within one; the machine may be busy
KNOCK = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)"
HOLD = """import socket, sys
stream = socket.create_connection((sys.argv[1], 22), 5)
print(stream.recv(64), flush=True)
sys.stdin.readline()
stream.sendall(b"SSH-2.0-test\\r\\n")
print(stream.recv(64)[:1] != b"", flush=True)
"""


@dataclass(frozen=True, kw_only=True)
class Machine:
    instance: str
    address: str
    group: str

    def python(self, program: str, *arguments: str) -> list[str]:
        return ["docker", "exec", "--interactive", f"localcloud-{self.instance}", "python3", "-c", program, *arguments]

    def reaches(self, other: "Machine", port: int = 22) -> bool:
        done = subprocess.run(self.python(KNOCK, other.address, str(port)), capture_output=True, check=False)
        return done.returncode == 0


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two machines, each with a group of its own that has no rule."""

    ec2: Any
    host: Machine
    other: Machine

    @contextlib.contextmanager
    def rule(self, port: int = 22, **source: Any) -> Iterator[None]:
        permission = [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **source}]
        self.ec2.authorize_security_group_ingress(GroupId=self.host.group, IpPermissions=permission)
        try:
            yield
        finally:
            self.ec2.revoke_security_group_ingress(GroupId=self.host.group, IpPermissions=permission)

    def cidr(self, address: str) -> contextlib.AbstractContextManager[None]:
        return self.rule(IpRanges=[{"CidrIp": f"{address}/32"}])


def eventually(condition: Callable[[], bool], what: str) -> None:
    until(condition, what, SECONDS)


def from_here(machine: Machine, port: int = 22) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((machine.address, port), 2):
        return True
    return False


@pytest.fixture(scope="module")
def pair(local_cloud: Cloud) -> Iterator[Pair]:
    ec2 = local_cloud.client("ec2")
    image = ec2.describe_images(Filters=[{"Name": "name", "Values": ["debian-12-*"]}])["Images"][0]["ImageId"]
    groups, instances = [], []
    for name in ("host", "other"):
        groups.append(ec2.create_security_group(GroupName=name, Description=name)["GroupId"])
        started = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SecurityGroupIds=groups[-1:])
        instances.append(started["Instances"][0])
    identifiers = [one["InstanceId"] for one in instances]
    try:
        ec2.get_waiter("instance_running").wait(InstanceIds=identifiers, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
        host, other = (
            Machine(instance=one["InstanceId"], address=one["PrivateIpAddress"], group=group)
            for one, group in zip(instances, groups, strict=True)
        )
        yield Pair(ec2=ec2, host=host, other=other)
    finally:
        ec2.terminate_instances(InstanceIds=identifiers)


def test_a_port_is_closed_until_a_rule_opens_it_for_the_address(pair: Pair) -> None:
    assert not pair.other.reaches(pair.host)
    with pair.cidr(pair.other.address):
        eventually(lambda: pair.other.reaches(pair.host), "the rule opens the port")
        assert not from_here(pair.host), "the rule is for one address"
    eventually(lambda: not pair.other.reaches(pair.host), "the revoked rule closes the port")


def test_an_open_connection_outlives_the_rule_that_let_it_in(pair: Pair) -> None:
    with pair.cidr(pair.other.address):
        eventually(lambda: pair.other.reaches(pair.host), "the rule opens the port")
        held = subprocess.Popen(
            pair.other.python(HOLD, pair.host.address), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert held.stdin and held.stdout
        assert "SSH" in held.stdout.readline()
    eventually(lambda: not pair.other.reaches(pair.host), "the revoked rule closes the port")
    assert held.communicate("go on\n", timeout=30)[0].strip() == "True"


def test_a_rule_for_a_group_is_for_those_who_are_in_it_now(pair: Pair) -> None:
    with pair.rule(UserIdGroupPairs=[{"GroupId": pair.other.group}]):
        eventually(lambda: pair.other.reaches(pair.host), "the rule lets the group in")
        pair.ec2.modify_instance_attribute(InstanceId=pair.other.instance, Groups=[pair.host.group])
        eventually(lambda: not pair.other.reaches(pair.host), "who leaves the group is kept out")
        pair.ec2.modify_instance_attribute(InstanceId=pair.other.instance, Groups=[pair.other.group])
        eventually(lambda: pair.other.reaches(pair.host), "who comes back is let in")


def test_the_runner_needs_a_rule_for_its_address(pair: Pair, local_cloud: Cloud) -> None:
    address = requests.get(local_cloud.environment["RUNNER_ADDRESS_URL"], timeout=5).text.strip()
    assert not from_here(pair.host)
    with pair.cidr(address):
        eventually(lambda: from_here(pair.host), "the rule opens the port")
        assert not pair.other.reaches(pair.host), "the rule is for the runner"
    eventually(lambda: not from_here(pair.host), "the revoked rule closes the port")


def test_a_balancer_reaches_hosts_where_a_rule_for_its_group_says_so(pair: Pair, site: Site) -> None:
    web = pair.ec2.create_security_group(GroupName="balancer", Description="balancer")["GroupId"]
    site.elb.set_security_groups(LoadBalancerArn=site.balancer["LoadBalancerArn"], SecurityGroups=[web])
    group = site.group(TargetType="instance", Port=8000, HealthCheckPath="/")
    site.listen(group)
    serve = ["docker", "exec", "--detach", f"localcloud-{pair.host.instance}", "python3", "-m", "http.server", "8000"]
    subprocess.run(serve, check=True)
    site.elb.register_targets(TargetGroupArn=group, Targets=[{"Id": pair.host.instance}])

    def state() -> str:
        found = site.elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return str(found[0]["TargetHealth"]["State"])

    eventually(lambda: state() == "unhealthy", "without a rule the host is not reached")
    with pair.rule(port=8000, UserIdGroupPairs=[{"GroupId": web}]):
        eventually(lambda: state() == "healthy", "the rule lets the balancer in")
        assert site.get("/").status_code == 200
        assert not from_here(pair.host), "nothing is open but the port of the rule"
    eventually(lambda: state() == "unhealthy", "the revoked rule keeps the balancer out")
