"""Sealing: marked first, resumed from wherever it was cut off, ended by Nova where it does not end by itself."""

from dataclasses import dataclass, field
from typing import cast

import pytest

from actions.bake.health import Look, Patience, become_healthy
from actions.bake.sealing import MARK, Sealing
from actions.bake.server import Server
from actions.errors import ReleaseError
from actions.hosts.host import HostError
from actions.hosts.session import Output
from actions.progress import Progress
from tests.virtual_clock import VirtualClock

RECIPE = "recipe-1"


@dataclass
class Seen:
    status: str
    metadata: dict[str, str]


@dataclass
class NovaDouble:
    """A server that is off some seconds after its poweroff, or after os-stop."""

    clock: VirtualClock
    status: str = "ACTIVE"
    metadata: dict[str, str] = field(default_factory=dict)
    stops: bool = True
    log: list[str] = field(default_factory=list)

    def get(self, server: str) -> Seen:
        return Seen(self.status, dict(self.metadata))

    def set_metadata(self, server: str, values: dict[str, str]) -> None:
        self.log.append("mark")
        self.metadata |= values

    def stop(self, server: str) -> None:
        self.log.append("os-stop")
        if self.stops:
            self.clock.at(self.clock.now() + 3, self.off)

    def off(self) -> None:
        self.status = "SHUTOFF"


@dataclass
class ServerDouble:
    """Stands where `Server` stands; `answers` says what a script prints."""

    nova: NovaDouble
    name: str = "run-1"
    reachable: bool = True
    seals: bool = True
    answers: dict[str, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    def reach(self) -> None:
        if not self.reachable:
            raise HostError("run-1: it does not let debian in with the key of this run")

    def reached(self) -> bool:
        return self.reachable

    def run(self, script: str, seconds: float, **variables: str) -> Output:
        self.log.append(script)
        self.nova.log.append(script)
        if script == "begin_seal" and self.seals:
            self.nova.clock.at(self.nova.clock.now() + 2, self.nova.off)
        return Output(code=0, out=self.answers.get(script, "seal=runs\nsaid=\n"), err="")


@pytest.fixture
def nova() -> NovaDouble:
    return NovaDouble(VirtualClock())


def sealing(nova: NovaDouble) -> Sealing:
    return Sealing(nova, "id-1", RECIPE, nova.clock, Progress())


def as_server(double: ServerDouble) -> Server:
    return cast(Server, double)


def test_the_mark_comes_before_anything_is_taken_away(nova: NovaDouble) -> None:
    server = ServerDouble(nova)
    assert not sealing(nova).begun()
    sealing(nova).seal(as_server(server), "c", 60)
    assert nova.log[:2] == ["mark", "begin_seal"] and nova.metadata == {MARK: RECIPE}
    assert nova.status == "SHUTOFF" and "os-stop" not in nova.log


def test_marked_and_shut_off_is_sealed(nova: NovaDouble) -> None:
    nova.metadata, nova.status = {MARK: RECIPE}, "SHUTOFF"
    server = ServerDouble(nova)
    assert sealing(nova).begun()
    sealing(nova).resume(as_server(server), "c", 60)
    assert server.log == []


def test_marked_and_answering_is_sealed_again(nova: NovaDouble) -> None:
    nova.metadata = {MARK: RECIPE}
    sealing(nova).resume(as_server(ServerDouble(nova)), "c", 60)
    assert nova.log[0] == "begin_seal" and nova.status == "SHUTOFF"


def test_marked_and_silent_is_waited_for_then_stopped(nova: NovaDouble) -> None:
    nova.metadata = {MARK: RECIPE}
    sealing(nova).resume(as_server(ServerDouble(nova, reachable=False)), "c", 60)
    assert nova.log == ["os-stop"] and nova.clock.now() >= 60


def test_a_server_that_neither_way_ends(nova: NovaDouble) -> None:
    nova.stops = False
    with pytest.raises(ReleaseError, match=r"still ACTIVE 120 s after its sealing: neither its own"):
        sealing(nova).seal(as_server(ServerDouble(nova, seals=False)), "c", 60)


def test_a_sealing_that_fails_says_why(nova: NovaDouble) -> None:
    server = ServerDouble(nova, seals=False, answers={"look_seal": "seal=ended\nsaid=cloud-init cannot be cleaned\n"})
    with pytest.raises(ReleaseError, match="sealing ended early: cloud-init cannot be cleaned"):
        sealing(nova).seal(as_server(server), "c", 60)


def test_a_server_in_error(nova: NovaDouble) -> None:
    nova.clock.at(1, lambda: setattr(nova, "status", "ERROR"))
    with pytest.raises(ReleaseError, match="went to ERROR while it was sealed"):
        sealing(nova).seal(as_server(ServerDouble(nova, seals=False)), "c", 60)


@pytest.mark.parametrize(
    ("status", "mark", "sentence"),
    [("ACTIVE", "other", "was sealed for recipe other, and recipe-1 is wanted"), ("SHUTOFF", "", "is SHUTOFF")],
)
def test_a_server_that_is_not_ours_to_build(nova: NovaDouble, status: str, mark: str, sentence: str) -> None:
    nova.status, nova.metadata = status, {MARK: mark} if mark else {}
    with pytest.raises(ReleaseError, match=sentence):
        sealing(nova).begun()


def healthy(nova: NovaDouble, server: ServerDouble) -> Look:
    return become_healthy(as_server(server), 8000, "/health", Patience(limit=30, interval=5), nova.clock, Progress())


def test_health_is_looked_at_soon_and_then_less_often(nova: NovaDouble) -> None:
    server = ServerDouble(nova, answers={"health": "unit=photo-api activating 0\nanswer=none: refused\n"})
    nova.clock.at(7, lambda: server.answers.update(health="unit=photo-api active 0\nanswer=HTTP 200\n"))
    assert healthy(nova, server).answer == "HTTP 200"
    assert server.log.count("health") <= 7 and nova.clock.now() < 12


@pytest.mark.parametrize(
    ("look", "sentence"),
    [
        ("unit=photo-api active 0\nanswer=HTTP 500\n", "the application answers HTTP 500, after 30 s"),
        ("unit=photo-api failed 0\nanswer=none\n", "photo-api is failed after 0 restarts, and systemd has given it up"),
        ("unit=photo-api activating 3\nanswer=none\n", "activating after 3 restarts, and systemd has given it up"),
        ("unit=photo-api active 0\nunit=promtail failed 5\nanswer=HTTP 200\n", "promtail is failed after 5"),
    ],
)
def test_an_application_that_is_never_healthy(
    nova: NovaDouble, look: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server = ServerDouble(nova, answers={"health": look, "log": "ModuleNotFoundError: photo\n"})
    with pytest.raises(ReleaseError, match=sentence):
        healthy(nova, server)
    assert "log | ModuleNotFoundError: photo" in capsys.readouterr().err


def test_a_base_image_has_no_application_to_ask(nova: NovaDouble) -> None:
    server = ServerDouble(nova, answers={"health": "unit=node_exporter active 0\n"})
    assert healthy(nova, server).answer == ""
