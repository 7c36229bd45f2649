"""Times as a graph: critical path, table, picture, and the simulation."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from actions.bake import graph, picture, summary
from actions.errors import ReleaseError


def step(name: str, began: float, ended: float, *after: str) -> dict[str, Any]:
    return {"name": name, "began": began, "ended": ended, "after": list(after)}


RUN = {"steps": [step("run", 100, 101)]}
WHEELS = {"steps": [step("wheels", 101, 104, "run")]}
SERVER = {"steps": [step("server", 101, 109, "run"), step("ssh", 109, 110, "server")]}
BUILD = {"steps": [step("upload", 110.5, 112, "ssh", "wheels", "agents")]}


def test_steps_begin_at_zero_and_the_longest_chain_is_found() -> None:
    steps = graph.read([RUN, WHEELS, SERVER, BUILD])
    path = graph.critical_path(steps)
    assert [one.name for one in steps] == ["run", "wheels", "server", "ssh", "upload"]
    assert path.names == ("run", "server", "ssh", "upload") and path.seconds == pytest.approx(11.5)
    assert graph.wall(steps) == pytest.approx(12)


def test_a_step_that_was_done_again_counts_once() -> None:
    steps = graph.read([RUN, {"steps": [step("seal", 200, 300)]}, {"steps": [step("seal", 101, 103)]}])
    assert [(one.name, one.seconds) for one in steps] == [("run", 1), ("seal", 2)]


def test_a_step_begins_when_what_it_waited_for_had_ended() -> None:
    steps = graph.read([RUN, {"steps": [step("server", 100.2, 109, "run"), step("odd", 90, 99.5)]}])
    assert [(one.name, one.began, one.ended) for one in steps] == [("odd", 0, 9.5), ("run", 10, 11), ("server", 11, 19)]


def test_nothing_took_no_time() -> None:
    assert graph.critical_path([]).names == () and graph.wall([]) == 0
    assert picture.draw("nothing", [], graph.critical_path([])).startswith("<svg")


def test_steps_that_wait_for_each_other() -> None:
    steps = graph.read([{"steps": [step("a", 0, 1, "b"), step("b", 0, 1, "a")]}])
    with pytest.raises(ValueError, match="wait for each other"):
        graph.critical_path(steps)


def test_a_simulation_begins_each_step_as_early_as_it_may() -> None:
    steps = graph.simulate({"a": 2, "b": 5, "c": 1}, {"c": ["a", "b"], "b": ["off"]})
    assert {one.name: (one.began, one.ended) for one in steps} == {"a": (0, 2), "b": (0, 5), "c": (5, 6)}


def asked(place: Path, parts: list[Any]) -> dict[str, str]:
    return {"RUN": "photo-api-bake-1", "ARTIFACTS": str(place / "art"), "PARTS": json.dumps(parts)}


def test_the_summary_takes_parts_and_what_commands_printed(tmp_path: Path) -> None:
    found = summary.summarize(asked(tmp_path, [RUN, json.dumps(WHEELS), "", SERVER, json.dumps(BUILD)]))
    assert found["critical_path"] == ["run", "server", "ssh", "upload"]
    assert found["ratio"] == round(12 / 11.5, 3)
    assert "* server" in found["table"] and "  wheels" in found["table"]
    assert "in all 12.0 s, 1.04 × the critical path" in found["table"]
    assert found["picture"] == f"{tmp_path}/art/photo-api-bake-1.svg"


def test_the_picture_has_a_bar_for_each_step(tmp_path: Path) -> None:
    found = summary.summarize(asked(tmp_path, [RUN, WHEELS, SERVER, {"steps": [step("a<b", 109, 111, "ssh")]}]))
    root = ElementTree.parse(found["picture"]).getroot()  # noqa: S314 - written by ourselves
    name = "{http://www.w3.org/2000/svg}"
    titles = [title.text for title in root.iter(f"{name}title")]
    assert titles == ["run: 1.0 s", "wheels: 3.0 s", "server: 8.0 s", "ssh: 1.0 s", "a<b: 1.0 s"]
    colours = [bar.get("fill") for bar in root.iter(f"{name}rect")][1:]
    assert colours == [picture.CRITICAL, picture.OTHER, *[picture.CRITICAL] * 3]


def test_parts_that_are_no_parts(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="PARTS must be a JSON list"):
        summary.summarize({"RUN": "r", "ARTIFACTS": str(tmp_path), "PARTS": "nonsense"})
