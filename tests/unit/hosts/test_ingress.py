"""Port 22: open for the runner alone, and closed again, also after a run that died."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import cast

import pytest

from actions.clients import Clients
from actions.hosts.host import HostError
from actions.hosts.ingress import Ingress, description, is_stale
from actions.lock import owner_name
from actions.progress import Progress
from tests.unit.hosts.aws_double import AwsDouble

HOUR = timedelta(hours=1)
ALIVE = owner_name()
DEAD = "/".join([*ALIVE.split("/")[:2], "4194305", "1", "0"])  # above the highest process id there is


class AddressServer(HTTPServer):
    """Tells the addresses of `answers`, the last one for ever."""

    answers: list[str]


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        answers = cast(AddressServer, self.server).answers
        self.send_response(200)
        self.end_headers()
        self.wfile.write((answers.pop(0) if len(answers) > 1 else answers[0]).encode() + b"\n")

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@pytest.fixture
def addresses() -> Iterator[AddressServer]:
    with AddressServer(("127.0.0.1", 0), _Handler) as server:
        server.answers = ["198.51.100.7"]
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def aws() -> AwsDouble:
    return AwsDouble()


@pytest.fixture
def ingress(aws: AwsDouble, addresses: AddressServer) -> Callable[[], Ingress]:
    url = f"http://127.0.0.1:{addresses.server_port}/"
    return lambda: Ingress(cast(Clients, aws), "sg-1", url, HOUR, Progress())


def test_open_for_the_runner_alone_and_closed_again(aws: AwsDouble, ingress: Callable[[], Ingress]) -> None:
    opened = ingress()
    opened.open()
    (rule,) = aws.ec2.rules.values()
    assert rule["CidrIpv4"] == "198.51.100.7/32"
    assert rule["Description"].startswith("infra-release ")
    opened.close()
    assert aws.ec2.rules == {}
    opened.close()  # again: nothing to do


def test_rules_of_runs_that_are_over_are_closed_and_no_others(aws: AwsDouble, ingress: Callable[[], Ingress]) -> None:
    later, earlier = datetime.now(UTC) + HOUR, datetime.now(UTC) - HOUR
    aws.ec2.add("198.51.100.1/32", description(DEAD, later))
    aws.ec2.add("198.51.100.2/32", description("elsewhere/b/1/1/u", earlier))
    aws.ec2.add("198.51.100.3/32", description("elsewhere/b/1/1/u", later))
    aws.ec2.add("198.51.100.4/32", description(ALIVE, later))
    aws.ec2.add("198.51.100.5/32", "the office")
    ingress().open()
    assert aws.ec2.open_to == [f"198.51.100.{last}/32" for last in (3, 4, 5, 7)]


def test_a_rule_of_somebody_else_is_used_and_left(aws: AwsDouble, ingress: Callable[[], Ingress]) -> None:
    aws.ec2.add("198.51.100.7/32", "the office")
    opened = ingress()
    opened.open()
    opened.close()
    assert [rule["Description"] for rule in aws.ec2.rules.values()] == ["the office"]


def test_a_changed_address_moves_the_rule(
    aws: AwsDouble, ingress: Callable[[], Ingress], addresses: AddressServer
) -> None:
    addresses.answers = ["198.51.100.7", "198.51.100.8"]
    opened = ingress()
    opened.open()
    opened.renew()
    assert aws.ec2.open_to == ["198.51.100.8/32"]
    opened.close()
    assert aws.ec2.rules == {}


def test_a_rule_taken_away_by_hand_is_made_again(aws: AwsDouble, ingress: Callable[[], Ingress]) -> None:
    opened = ingress()
    opened.open()
    aws.ec2.rules.clear()
    opened.renew()
    assert aws.ec2.open_to == ["198.51.100.7/32"]


def test_what_is_no_address_is_said(ingress: Callable[[], Ingress], addresses: AddressServer) -> None:
    addresses.answers = ["<html>"]
    with pytest.raises(HostError, match="does not tell this runner's address"):
        ingress().open()


@pytest.mark.parametrize("text", ["", "infra-release", "infra-release x until never", "ssh until 2000-01-01T00:00:00Z"])
def test_other_descriptions_are_never_stale(text: str) -> None:
    assert not is_stale(text, datetime.now(UTC))
