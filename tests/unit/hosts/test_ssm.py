"""SSM Run Command: the same scripts, whatever they print."""

from pathlib import Path
from typing import cast

import pytest

from actions.clients import Clients
from actions.hosts import ssm
from actions.hosts.host import Host, HostError
from actions.hosts.patience import Patience
from actions.hosts.ssm import SsmSession
from actions.lifeline import Cancellation
from tests.unit.hosts.aws_double import AwsDouble

HOST = Host(name="web-1", instance="i-1", address="")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ssm, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(ssm, "RUN", ssm.RUN.replace("/run", str(tmp_path)))
    monkeypatch.setattr(ssm, "READ", ssm.READ.replace("/run", str(tmp_path)))


@pytest.fixture
def aws() -> AwsDouble:
    return AwsDouble()


def session(aws: AwsDouble, boot: float = 0) -> SsmSession:
    return SsmSession(HOST, cast(Clients, aws), Cancellation(), Patience(boot=boot))


def test_output_and_exit_code(aws: AwsDouble) -> None:
    done = session(aws).run("echo größer; echo err >&2; exit 3", 10)
    assert (done.code, done.out, done.err) == (3, "größer\n", "err\n")
    silent = session(aws).run("true", 10)
    assert (silent.code, silent.out, silent.err) == (0, "", "")


@pytest.mark.parametrize("lines", [1000, 2000, 20000])  # less than a page, more than one, many
def test_more_output_than_an_invocation_keeps(aws: AwsDouble, lines: int, tmp_path: Path) -> None:
    done = session(aws).run(f"seq {lines}; seq {lines} >&2", 10)
    assert done.out.split() == done.err.split() == [str(number) for number in range(1, lines + 1)]
    assert list(tmp_path.iterdir()) == []


def test_an_instance_that_still_boots_is_waited_for(aws: AwsDouble) -> None:
    aws.ssm.unknown = 2
    assert session(aws, boot=10).run("echo here", 10).out == "here\n"


def test_an_instance_that_ssm_never_knows(aws: AwsDouble) -> None:
    aws.ssm.unknown = 100
    with pytest.raises(HostError, match="web-1: SSM does not know i-1"):
        session(aws).run("true", 10)


def test_a_command_that_did_not_end_well(aws: AwsDouble) -> None:
    aws.ssm.status = "TimedOut"
    with pytest.raises(HostError, match="web-1: SSM ended TimedOut"):
        session(aws).run("true", 10)


def test_a_command_without_end(aws: AwsDouble) -> None:
    aws.ssm.status = "InProgress"
    with pytest.raises(HostError, match="did not end in time"):
        session(aws).run("true", 0.1)
