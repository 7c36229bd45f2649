"""The very transaction of a rolling release, on a simulated fleet: what can go wrong goes wrong."""

import threading
import time

import pytest

from actions.errors import Cancelled, PreflightFailed, ReleaseError
from actions.rolling.course import HostFailed
from tests.simulated_cloud import CHECK_SECONDS, HEALTHY_CHECKS
from tests.simulated_fleet import PULL_SECONDS, START_SECONDS, UP_SECONDS, SimulatedFleet, digest_of


def assert_whole(fleet: SimulatedFleet, tag: str) -> None:
    assert fleet.versions() == [tag] * len(fleet.hosts)
    assert fleet.violations == []
    assert fleet.rules == []


def test_a_release_moves_every_host_and_never_leaves_nobody_in_service() -> None:
    fleet = SimulatedFleet()
    proof = fleet.release("v2")
    assert_whole(fleet, "v2")
    assert [host["digest"] for host in proof["hosts"]] == [digest_of("v2")] * 3
    assert proof["waves"] == [["web-1"], ["web-2"], ["web-3"]]
    assert proof["previous"]["image_tag"] == "v1"
    assert [simulated.ledger["previous"]["image_tag"] for simulated in fleet.hosts] == ["v1"] * 3


def test_the_first_release_takes_all_hosts_at_once_and_drains_nobody() -> None:
    fleet = SimulatedFleet(5, empty=True)
    proof = fleet.release("v1")
    assert_whole(fleet, "v1")
    assert proof["waves"] == [[f"web-{number}" for number in range(1, 6)]]
    assert {host["drained_by"] for host in proof["hosts"]} == {"not registered"}
    assert proof["previous"] is None


def test_a_release_that_is_there_already_moves_nothing() -> None:
    fleet = SimulatedFleet()
    proof = fleet.release("v1")
    assert proof["waves"] == [] and proof["previous"] is None
    assert not [call for call in fleet.points.calls if "switch" in call or "register" in call]


def test_a_change_of_the_compose_file_alone_is_a_release() -> None:
    fleet = SimulatedFleet()
    fleet.compose = "services: {web: {}}"
    assert fleet.release("v1")["waves"] == [["web-1"], ["web-2"], ["web-3"]]
    assert_whole(fleet, "v1")


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ({"web-1": "error"}, "web-1: expected a healthy container within 30 s, found container running, HTTP 500"),
        ({"web-2": "crash"}, "web-2: expected a healthy container, found it restarting and not recovering"),
        ({"web-3": "crash"}, "web-3: expected a healthy container"),
        ({"web-2": "hidden"}, "web-2: expected a healthy target, found unhealthy after its registration"),
        ({"web-2": "flaps"}, "web-2: expected a container that stays healthy, found"),
    ],
)
def test_a_failing_host_takes_the_whole_fleet_back(kind: dict[str, str], found: str) -> None:
    fleet = SimulatedFleet()
    fleet.kinds[digest_of("v2")] = kind
    with pytest.raises(HostFailed, match=found) as failure:
        fleet.release("v2")
    assert_whole(fleet, "v1")
    assert fleet.cloud.table["lock"].get("revision") is None  # nothing is left to mend
    if "crash" in kind.values():
        assert failure.value.log_tail and any("log | ImportError" in line for line in fleet.progress.lines)
    assert any(line.startswith("undone:") for line in fleet.progress.lines)


def test_hosts_of_one_wave_move_at_once_and_return_together() -> None:
    fleet = SimulatedFleet(6, wave_size=2)
    fleet.kinds[digest_of("v2")] = {"web-4": "crash"}
    with pytest.raises(HostFailed, match="web-4"):
        fleet.release("v2")
    assert_whole(fleet, "v1")
    fleet.kinds.clear()
    began = fleet.now
    assert len(fleet.release("v2")["waves"]) == 3
    assert_whole(fleet, "v2")
    by_two = fleet.now - began
    fleet.wave_size, began = 1, fleet.now
    fleet.release("v3")
    assert by_two < 0.6 * (fleet.now - began)


def test_a_wave_that_would_leave_nobody_is_refused() -> None:
    fleet = SimulatedFleet(2, wave_size=2)
    with pytest.raises(ReleaseError, match="would leave no healthy target: expected at least 1 other host, found 0"):
        fleet.release("v2")
    assert_whole(fleet, "v1")


def test_a_drain_longer_than_its_limit_goes_on_and_says_so() -> None:
    fleet = SimulatedFleet(2, drain_seconds=30)
    fleet.hosts[0].in_flight_seconds = 500.0
    fleet.hosts[1].in_flight_seconds = 7.0
    hosts = fleet.release("v2")["hosts"]
    assert [host["drained_by"] for host in hosts] == ["limit", "unused"]
    assert 29 <= hosts[0]["steps"]["drain"] <= 32 and hosts[1]["steps"]["drain"] <= 8.5
    assert any("still draining after 30 s" in line for line in fleet.progress.lines)
    assert_whole(fleet, "v2")


def test_a_host_that_does_not_serve_is_brought_up_before_another_leaves() -> None:
    fleet = SimulatedFleet(3)
    fleet.cloud.deregister_targets("tg", [{"Id": "i-0001"}])
    fleet.hosts[1].running = ""
    fleet.clock.wait(60)
    assert fleet.versions() == ["(v1 unused)", "( unhealthy)", "v1"]
    assert fleet.release("v2")["waves"] == [["web-1", "web-2"], ["web-3"]]
    assert_whole(fleet, "v2")


def test_the_only_healthy_host_stays_when_the_others_cannot_be_healed() -> None:
    fleet = SimulatedFleet(2)
    fleet.hosts[0].running = ""
    fleet.clock.wait(60)
    fleet.kinds[digest_of("v2")] = "error"
    with pytest.raises(HostFailed, match="web-1"):
        fleet.release("v2")
    assert_whole(fleet, "v1")


@pytest.mark.parametrize(
    ("break_it", "problem"),
    [
        (lambda fleet: setattr(fleet.hosts[1], "reachable", False), "hosts: web-2: no SSH server answers at 10.0.0.2"),
        (lambda fleet: setattr(fleet.hosts[1], "docker", False), "docker: Docker does not answer on web-2"),
        (lambda fleet: setattr(fleet.hosts[1], "free_mb", 10), "disk: expected 406 MB free, found: web-2 has 10 MB"),
        (lambda fleet: fleet.cloud.images.update(v2=("arm64",)), "architecture: expected an image for amd64"),
        (lambda fleet: fleet.cloud.images.pop("v2"), "image: the registry has no app:v2"),
        (lambda fleet: fleet.cloud.firing.append("errors"), "alarms: errors is firing"),
    ],
)
def test_the_preflight_refuses_before_anything_moves(break_it: object, problem: str) -> None:
    fleet = SimulatedFleet()
    fleet.alarms = ("errors",)
    break_it(fleet)  # type: ignore[operator]
    with pytest.raises(PreflightFailed, match=problem):
        fleet.release("v2")
    assert_whole(fleet, "v1")
    assert not [call for call in fleet.points.calls if "stage" in call or "register" in call]
    assert any(line.startswith("NG") for line in fleet.progress.lines)


def test_firing_alarms_do_not_stop_a_return() -> None:
    fleet = SimulatedFleet()
    fleet.release("v2")
    fleet.alarms = ("errors",)
    fleet.cloud.firing.append("errors")
    fleet.release("v1")
    assert_whole(fleet, "v1")


def test_an_invalid_compose_file_stops_it_while_everybody_serves() -> None:
    fleet = SimulatedFleet()
    fleet.hosts[2].compose_valid = False
    with pytest.raises(ReleaseError, match=r"web-3: compose\.yaml is not valid"):
        fleet.release("v2")
    assert_whole(fleet, "v1")
    assert not [call for call in fleet.points.calls if call == "deregister"]


def test_migrations_run_once_before_the_first_wave_and_stop_a_release_when_they_fail() -> None:
    fleet = SimulatedFleet()
    fleet.migrate = "python manage.py migrate --noinput"
    fleet.release("v2")
    assert fleet.migrations == [fleet.migrate]
    fleet.migration_fails = True
    with pytest.raises(ReleaseError, match="no such table"):
        fleet.release("v3")
    assert_whole(fleet, "v2")


@pytest.mark.parametrize("seconds", [1, 12, 25, 40, 55])
def test_a_signal_takes_the_fleet_back(seconds: float) -> None:
    fleet = SimulatedFleet()
    fleet.clock.at(fleet.now + seconds, lambda: setattr(fleet.clock, "cancelled", "it was told to stop"))
    with pytest.raises(Cancelled, match="it was told to stop"):
        fleet.release("v2")
    assert_whole(fleet, "v1")


def test_an_older_run_that_lost_its_lock_changes_nothing_any_more() -> None:
    fleet = SimulatedFleet()

    def taken_over(name: str) -> None:
        if name == "web-1 switch":
            fleet.cloud.table["lock"] |= {"number": {"N": "99"}, "owner": {"S": "other/boot/1/1/x"}}

    fleet.points.on_point = taken_over
    with pytest.raises(Cancelled, match="another run"):
        fleet.release("v2")
    assert [simulated.running for simulated in fleet.hosts] == [digest_of(tag) for tag in ("v2", "v1", "v1")]
    assert fleet.cloud.table["verified"]["proof"]["S"].count('"image_tag": "v1"') == 1
    assert fleet.violations == []


def seconds_of_a_release(hosts: int, wave_size: int) -> float:
    fleet = SimulatedFleet(hosts, wave_size=wave_size)
    began = fleet.now
    fleet.release("v2")
    assert_whole(fleet, "v2")
    return fleet.now - began


def test_time_grows_with_the_waves_and_not_with_the_hosts() -> None:
    ten, hundred = seconds_of_a_release(10, 2), seconds_of_a_release(100, 20)
    assert hundred <= 1.15 * ten


def test_a_release_takes_hardly_longer_than_what_the_hosts_themselves_need() -> None:
    fleet = SimulatedFleet(3)
    for simulated in fleet.hosts:
        simulated.in_flight_seconds = 8.0
    began = fleet.now
    fleet.release("v2")
    host_seconds = 8.0 + UP_SECONDS + START_SECONDS + HEALTHY_CHECKS * CHECK_SECONDS
    assert fleet.now - began <= 1.15 * (PULL_SECONDS + 3 * host_seconds)


def test_a_second_release_waits_for_the_first() -> None:
    fleet = SimulatedFleet(2)
    theirs = {"id": {"S": "lock"}, "owner": {"S": "elsewhere/b/1/1/x"}, "number": {"N": "7"}}
    fleet.cloud.table["lock"] = {**theirs, "expires": {"N": str(int(time.time()) + 3600)}}
    ending = threading.Timer(1.5, lambda: fleet.cloud.table["lock"].update(expires={"N": "0"}))
    ending.start()
    assert fleet.release("v2")["number"] == 8
    assert fleet.progress.lines[0] == "waiting for another release of this service (elsewhere)"
    assert_whole(fleet, "v2")
