"""A rolling release killed at every point, and with every single call failing: the next run heals and finishes."""

import pytest

from actions.errors import ReleaseError
from tests.simulated_fleet import SimulatedFleet, digest_of

SAMPLE = 7  # the ordinary run kills at every seventh point, a thorough one at all
every = pytest.mark.parametrize("stride", [SAMPLE, pytest.param(1, marks=pytest.mark.thorough)])


def fresh(bad: str = "") -> SimulatedFleet:
    fleet = SimulatedFleet(3)
    fleet.migrate = "migrate"
    if bad:
        fleet.kinds[digest_of("v2")] = {"web-2": bad}
    return fleet


def points_of_one_run(bad: str = "") -> int:
    fleet = fresh(bad)
    try:
        fleet.release("v2")
    except ReleaseError:
        assert bad
    return fleet.points.count


def assert_whole(fleet: SimulatedFleet, tag: str, context: object) -> None:
    assert fleet.versions() == [tag] * 3, (context, fleet.versions(), fleet.progress.lines)
    assert fleet.violations == [], (context, fleet.violations)
    assert fleet.rules == [], context
    assert all(simulated.current and simulated.current.verified for simulated in fleet.hosts), context


def finish(fleet: SimulatedFleet, tag: str) -> None:
    """The next run, and nothing else, puts everything right."""
    fleet.release(tag)


@every
@pytest.mark.parametrize("then", ["v2", "v1", "v3"])
def test_killed_at_any_point_the_next_run_heals_and_finishes(then: str, stride: int) -> None:
    points = points_of_one_run()
    assert points > 100
    for point in range(1, points + 1, stride):
        fleet = fresh()
        assert fleet.killed_at(point, "v2")
        finish(fleet, then)
        assert_whole(fleet, then, point)


@every
def test_killed_while_a_bad_release_fails_and_is_undone_the_fleet_ends_on_one_version(stride: int) -> None:
    points = points_of_one_run("crash")
    for point in range(1, points + 1, stride):
        fleet = fresh("crash")
        if not fleet.killed_at(point, "v2"):
            continue
        with pytest.raises(ReleaseError):
            fleet.release("v2")
        assert_whole(fleet, "v1", point)


@every
def test_killed_twice_the_third_run_finishes(stride: int) -> None:
    points = points_of_one_run()
    for point in range(1, points + 1, 3 * stride):
        fleet = fresh()
        assert fleet.killed_at(point, "v2")
        fleet.killed_at(point // 2 + 1, "v2")
        finish(fleet, "v2")
        assert_whole(fleet, "v2", point)


@every
def test_every_call_may_fail_once_and_the_fleet_ends_on_one_version(stride: int) -> None:
    fleet = fresh()
    fleet.release("v2")
    calls = len(fleet.points.calls)
    succeeded = 0
    for number in range(1, calls + 1, stride):
        fleet = fresh()
        fleet.points.fail_at = lambda index, _name, number=number: index == number  # type: ignore[misc]
        try:
            fleet.release("v2")
            succeeded += 1
            ended = "v2"
        except Exception as error:
            ended = "v2" if fleet.versions() == ["v2"] * 3 else "v1"
            assert ended == "v1" or "record" in str(error) or "Throttling" in str(error), (number, error)
        assert fleet.violations == [] and fleet.versions() == [ended] * 3, (number, fleet.versions())
        fleet.points.fail_at = lambda _index, _name: False
        finish(fleet, "v2")
        assert_whole(fleet, "v2", number)
    assert succeeded > calls // stride // 4  # what may be repeated is, and does not stop a release


def test_a_throttled_target_group_only_slows_it_down() -> None:
    fleet = fresh()
    fleet.points.fail_at = lambda index, name: name in ("states", "register", "deregister") and index % 3 == 0
    fleet.release("v2")
    assert_whole(fleet, "v2", "throttled")
