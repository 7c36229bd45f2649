"""SSH against a real server on the loopback interface: scripts, keys, and connections that break."""

import io
from collections.abc import Iterator
from typing import cast

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from actions.clients import Clients
from actions.hosts.connection import AS_ROOT
from actions.hosts.host import Host, HostError
from actions.hosts.ingress import Ingress
from actions.hosts.keys import Login
from actions.hosts.machine import Project
from actions.hosts.patience import Patience
from actions.hosts.ssh import SshAccess
from actions.lifeline import Cancellation
from tests.ports import free_port
from tests.unit.hosts.aws_double import AwsDouble
from tests.unit.hosts.ssh_server import SshServer

HOST = Host(name="web-1", instance="i-1", address="127.0.0.1")
KEY_PARAMETER = "/App/test/ssh-key"
HOST_KEY = "/App/test/hosts/i-1/host-key"


class NoIngress:
    """Counts; the loopback interface is open to everybody."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def open(self) -> None:
        self.said.append("open")

    def renew(self) -> None:
        self.said.append("renew")

    def close(self) -> None:
        self.said.append("close")


def new_key() -> tuple[paramiko.PKey, str]:
    text = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    return paramiko.Ed25519Key.from_private_key(io.StringIO(text)), text


@pytest.fixture
def aws() -> AwsDouble:
    return AwsDouble()


@pytest.fixture
def ingress() -> NoIngress:
    return NoIngress()


@pytest.fixture
def server(aws: AwsDouble) -> Iterator[SshServer]:
    host_key, _ = new_key()
    allowed, private = new_key()
    aws.ssm.parameters[KEY_PARAMETER] = private
    aws.ssm.parameters[HOST_KEY] = f"ssh-ed25519 {host_key.get_base64()}"
    with SshServer(host_key, allowed) as server:
        yield server


def access(aws: AwsDouble, ingress: NoIngress, port: int, user: str = "admin") -> SshAccess:
    login = Login(user=user, key_parameter=KEY_PARAMETER, host_keys_prefix="/App/test/hosts/", port=port)
    project = Project(name="app", directory="/opt/app", region="r")
    made = SshAccess(cast(Clients, aws), login, cast(Ingress, ingress), project, Cancellation())
    made.patience = Patience(boot=0, answer=0)
    return made


def test_scripts_share_a_connection_and_arrive_on_standard_input(
    aws: AwsDouble, ingress: NoIngress, server: SshServer
) -> None:
    with access(aws, ingress, server.port) as way:
        done = way.session(HOST).run("echo out; echo err >&2; exit 3", 10)
        assert (done.code, done.out, done.err) == (3, "out\n", "err\n")
        assert way.session(HOST).run("echo again", 10).out == "again\n"
    assert server.connections == 1
    assert server.commands == [AS_ROOT, AS_ROOT]
    assert ingress.said == ["open", "close"]


def test_much_output_on_both_sides(aws: AwsDouble, ingress: NoIngress, server: SshServer) -> None:
    with access(aws, ingress, server.port) as way:
        done = way.session(HOST).run("seq 100000; seq 100000 >&2", 30)
    assert done.out.splitlines()[-1] == done.err.splitlines()[-1] == "100000"


def test_a_script_is_sent_again_when_the_connection_broke(
    aws: AwsDouble, ingress: NoIngress, server: SshServer
) -> None:
    server.drops = 1
    with access(aws, ingress, server.port) as way:
        assert way.session(HOST).run("echo done", 10).out == "done\n"
    assert server.connections == 2


def test_and_no_third_time(aws: AwsDouble, ingress: NoIngress, server: SshServer) -> None:
    server.drops = 2
    with access(aws, ingress, server.port) as way:
        with pytest.raises(HostError, match="web-1: the connection broke 2 times"):
            way.session(HOST).run("echo done", 10)
    assert ingress.said[-1] == "close"


def test_a_script_without_end(aws: AwsDouble, ingress: NoIngress, server: SshServer) -> None:
    with access(aws, ingress, server.port) as way, pytest.raises(HostError, match="did not end in time"):
        way.session(HOST).run("sleep 3", 0.5)


def test_a_host_with_another_key_is_refused(aws: AwsDouble, ingress: NoIngress, server: SshServer) -> None:
    aws.ssm.parameters[HOST_KEY] = f"ssh-ed25519 {new_key()[0].get_base64()}"
    with access(aws, ingress, server.port) as way, pytest.raises(HostError, match=r"shows the SSH key .* published"):
        way.session(HOST).run("true", 10)
    assert server.commands == []


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (None, f"it has not published its SSH key, SSM has no parameter {HOST_KEY}"),
        ("ssh-rsa AAAA", "a key of type ssh-rsa"),
        ("nonsense", "does not hold an SSH public key"),
        ("ssh-ed25519 !!!", "does not hold an SSH public key"),
    ],
)
def test_a_host_whose_key_is_not_known(
    aws: AwsDouble, ingress: NoIngress, server: SshServer, value: str | None, sentence: str
) -> None:
    del aws.ssm.parameters[HOST_KEY]
    if value is not None:
        aws.ssm.parameters[HOST_KEY] = value
    with access(aws, ingress, server.port) as way, pytest.raises(HostError, match=sentence):
        way.session(HOST).run("true", 10)
    assert server.connections == 0


def test_a_host_that_does_not_let_us_in(aws: AwsDouble, ingress: NoIngress, server: SshServer) -> None:
    with access(aws, ingress, server.port, user="root") as way:
        with pytest.raises(HostError, match=f"does not let root in with the key of {KEY_PARAMETER}"):
            way.session(HOST).run("true", 10)


def test_nobody_answers(aws: AwsDouble, ingress: NoIngress, server: SshServer) -> None:
    with access(aws, ingress, free_port()) as way:
        with pytest.raises(HostError, match=r"no SSH server answers at 127\.0\.0\.1"):
            way.session(HOST).run("true", 10)


def test_every_retry_asks_whether_the_way_is_still_open(aws: AwsDouble, ingress: NoIngress, server: SshServer) -> None:
    with access(aws, ingress, free_port()) as way:
        way.patience = Patience(boot=0, answer=1.5)
        with pytest.raises(HostError):
            way.session(HOST).run("true", 10)
    assert ingress.said.count("renew") >= 1


def test_no_key_to_log_in_with(aws: AwsDouble, ingress: NoIngress) -> None:
    with pytest.raises(HostError, match=f"SSM has no parameter {KEY_PARAMETER}"):
        access(aws, ingress, 22).__enter__()
    aws.ssm.parameters[KEY_PARAMETER] = "nonsense"
    with pytest.raises(HostError, match="does not hold an ed25519 private key"):
        access(aws, ingress, 22).__enter__()
    assert ingress.said == []
