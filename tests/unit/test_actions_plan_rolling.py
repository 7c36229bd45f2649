"""What a rolling release decides, as tables of plain values."""

import time
from typing import Any

import pytest

from actions.errors import ReleaseError
from actions.hosts.host import Host, Observed
from actions.rolling.plan import (
    Standing,
    Wanted,
    Work,
    guard_problem,
    looping,
    plan_release,
    to_take_back,
    unrecorded,
    work_of,
)

WANTED = Wanted(digest="sha256:2", content="c2")
OLD: dict[str, Any] = {"digest": "sha256:1", "installed": "sha256:1", "installed_as": "c1", "verified": True}
NEW: dict[str, Any] = {"digest": "sha256:2", "installed": "sha256:2", "installed_as": "c2"}

NOTHING: dict[str, Any] = {"state": ""}
HEALED_FIRST = [["web-2", "web-3"], ["web-1"]]


def host(number: int) -> Host:
    return Host(name=f"web-{number}", instance=f"i-{number}", address=f"10.0.0.{number}")


def standing(number: int, seen: dict[str, Any] = OLD, target: str = "healthy", **changed: Any) -> Standing:
    observed = Observed(**{"docker": True, "state": "running", **seen, **changed})
    return Standing(host=host(number), observed=observed, target=target)


@pytest.mark.parametrize(
    ("found", "work"),
    [
        (standing(1), Work.REPLACE),
        (standing(1, NEW), Work.NOTHING),
        (standing(1, NEW, verified=True), Work.NOTHING),
        (standing(1, NEW, target="unused"), Work.FINISH),
        (standing(1, NEW, target="initial"), Work.FINISH),
        (standing(1, NEW, target="unused", staged="sha256:2"), Work.REPLACE),  # bringing it up would take next/
        (standing(1, NEW, installed_as="c1"), Work.REPLACE),  # another compose file around the same image
        (standing(1, NEW, digest="sha256:1", target="unused"), Work.REPLACE),  # a switch that was cut off
        (standing(1, NEW, state="restarting", target="unused"), Work.REPLACE),
        (standing(1, NOTHING), Work.REPLACE),
    ],
)
def test_what_a_host_needs_follows_from_what_is_found_there(found: Standing, work: Work) -> None:
    assert work_of(found, WANTED) is work


@pytest.mark.parametrize(
    ("found", "size", "waves"),
    [
        ([standing(1), standing(2)], 1, [["web-1"], ["web-2"]]),
        ([standing(n) for n in range(1, 6)], 2, [["web-1", "web-2"], ["web-3", "web-4"], ["web-5"]]),
        ([standing(1, NEW), standing(2)], 1, [["web-2"]]),
        ([standing(1, NEW), standing(2, NEW)], 1, []),
        ([standing(1), standing(2, target="unhealthy"), standing(3, NOTHING, target="unused")], 1, HEALED_FIRST),
        ([standing(n, NOTHING, target="unused") for n in (1, 2, 3)], 1, [["web-1", "web-2", "web-3"]]),
        ([standing(1, NOTHING, target="unused")], 1, [["web-1"]]),
    ],
)  # fmt: skip
def test_who_does_not_serve_comes_first_and_at_once(found: list[Standing], size: int, waves: list[list[str]]) -> None:
    assert [[step.host.name for step in wave] for wave in plan_release(found, WANTED, size).waves] == waves


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_wave_of_everybody_is_refused(count: int) -> None:
    with pytest.raises(ReleaseError, match="would leave no healthy target: expected at least 1 other host, found 0"):
        plan_release([standing(number) for number in range(count)], WANTED, 3)


@pytest.mark.parametrize(
    ("states", "leaving", "firing", "problem"),
    [
        ({"i-1": "healthy", "i-2": "healthy"}, [1], [], ""),
        (
            {"i-1": "healthy", "i-2": "draining"},
            [1],
            [],
            "at least 1 other healthy target, found i-2 draining",
        ),
        ({"i-1": "healthy"}, [1], [], "expected at least 1 other healthy target, found none"),
        ({"i-1": "healthy", "i-2": "healthy", "i-3": "initial"}, [1, 2], [], "found i-3 initial"),
        ({"i-1": "healthy", "i-2": "healthy"}, [1], ["errors"], "cannot leave the service while errors is firing"),
        ({"i-1": "unhealthy", "i-2": "draining"}, [1], ["errors"], ""),  # it serves nobody
        ({}, [1], [], ""),
    ],
)
def test_nobody_leaves_the_service_unless_somebody_else_serves(
    states: dict[str, str], leaving: list[int], firing: list[str], problem: str
) -> None:
    found = guard_problem(states, [host(number) for number in leaving], firing)
    assert problem in found and bool(problem) == bool(found)


@pytest.mark.parametrize(
    ("states", "loops"),
    [(["running"] * 9, False), (["restarting", "running"], False), (["restarting", "running", "restarting"], True)],
)
def test_a_container_that_starts_again_and_again_is_seen(states: list[str], loops: bool) -> None:
    assert looping(states) is loops


def test_the_way_back_starts_with_who_does_not_serve_and_ends_with_who_moved_first() -> None:
    found = [
        standing(1, NEW),
        standing(2, NEW),
        standing(3, NEW, target="unused"),
        standing(4),
        standing(5, NEW, verified=True),
        standing(6, NEW),  # moved by the run that was cut off
    ]
    undoing = to_take_back(found, [host(1), host(2), host(3)], WANTED.digest)
    assert [one.name for one in undoing.resting] == ["web-3"]
    assert [one.name for one in undoing.serving] == ["web-2", "web-1", "web-6"]


@pytest.mark.parametrize(
    ("found", "recorded"),
    [
        (standing(1, NEW), True),
        (standing(1, NEW, verified=True), False),
        (standing(1, NEW, target="unused"), False),
        (standing(1, NEW, installed_as="c1"), False),  # the same image in a release that was not verified
        (standing(1), False),
    ],
)
def test_a_ledger_that_was_not_written_is_written_by_the_next_run(found: Standing, recorded: bool) -> None:
    assert bool(unrecorded([found], WANTED)) is recorded
    assert not unrecorded([found], None)


def test_a_hundred_hosts_are_planned_at_once() -> None:
    fleet = [standing(number) for number in range(100)]
    began = time.monotonic()
    plan = plan_release(fleet, WANTED, 10)
    assert time.monotonic() - began < 1
    assert [len(wave) for wave in plan.waves] == [10] * 10
