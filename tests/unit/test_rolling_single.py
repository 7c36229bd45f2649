"""One host's own nginx in the place of a target group, with a machine that is only imagined."""

from typing import Any, cast

import pytest

from actions import release_rolling, retire_rolling, verify
from actions.hosts.host import Host, Observed
from actions.hosts.machine import Certificate
from actions.lifeline import Cancellation
from actions.progress import Progress
from actions.rolling import request
from actions.rolling.single import OwnNginx
from tests.unit.test_teammoa import environment
from tests.unit.test_teammoa_single import NAMED, declared

HOST = Host(name="web-1", instance="i-1", address="203.0.113.7")
CERTIFICATE = Certificate(domain="a.example.com", email="a@b.cd", server="https://acme/dir", image="c:1", metrics="M")

PASSED = verify.Passed(passes=1, slowest_ms=7)


class Machine:
    def __init__(self, seen: Observed) -> None:
        self.seen = seen
        self.did: list[Any] = []

    def observe(self) -> Observed:
        return self.seen

    def go_over(self, drain_seconds: int) -> None:
        self.did.append(drain_seconds)

    def certify(self, certificate: Certificate) -> None:
        self.did.append(certificate)


def own_nginx(machine: Machine) -> OwnNginx:
    return OwnNginx([HOST], lambda host: cast(Any, machine), 30)


@pytest.fixture
def released(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of an action, as the stack declares it."""
    for name, value in environment(declared(**NAMED, access={"method": "ssm"})).items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        (Observed(docker=True, live=True, state="running"), "healthy"),
        (Observed(docker=True, live=True, state="exited"), "unused"),
        (Observed(docker=True, live=False, state="running"), "unused"),
    ],
)
def test_a_host_serves_when_users_are_sent_to_what_runs(seen: Observed, state: str) -> None:
    assert own_nginx(Machine(seen)).states() == {"i-1": state}


def test_users_go_over_and_are_shown_a_certificate() -> None:
    machine = Machine(Observed(docker=True))
    targets = own_nginx(machine)
    targets.deregister(HOST)
    targets.register(HOST)
    targets.certify(CERTIFICATE)
    assert machine.did == [30, CERTIFICATE]


def test_a_release_asks_for_the_certificate_before_it_asks_the_url(
    released: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    did: list[str] = []
    asked = request.from_environment()
    monkeypatch.setattr(OwnNginx, "certify", lambda self, certificate: did.append(certificate.domain))

    def passes(url: str, *_: object) -> Any:
        did.append(url)
        return PASSED

    monkeypatch.setattr(verify, "passes", passes)
    world = release_rolling.real_world(asked, Cancellation(), Progress())
    assert world.balanced(1) == PASSED.slowest_ms
    assert did == ["team.example.com", "https://team.example.com/health/"]


def test_a_host_without_a_balancer_leaves_none_when_its_stack_goes(released: None) -> None:
    assert retire_rolling.work(Cancellation()) == 0
