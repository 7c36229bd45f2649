"""A good release: seen in the preview, performed host by host without a failed request, proven."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest
import requests

from tests.cloud.load import Load
from tests.cloud.sockets import Sockets
from tests.cloud.teammoa.conftest import DRAIN_SECONDS
from tests.cloud.teammoa.fleet import Fleet


def test_preview_shows_the_image_and_the_order_of_hosts_on_one_resource(released: Fleet, now: str, other: str) -> None:
    project = released.project
    project.set("imageTag", other)
    text = project.pulumi("preview", "--diff").stdout
    steps = json.loads(project.pulumi("preview", "--json").stdout)["steps"]
    changed = [step for step in steps if step["op"] != "same"]
    assert [step["urn"].rsplit("::", 1)[1] for step in changed] == ["teammoa-release"], changed
    shown = next(line for line in text.splitlines() if "IMAGE" in line and "=>" in line)
    assert f"teammoa-web:{now}" in shown and f"teammoa-web:{other}" in shown
    assert changed[0]["newState"]["inputs"]["environment"]["WAVES"] == "web-1 | web-2"
    assert requests.get(f"{released.url}/", timeout=10, verify=released.authorities).headers["X-Version"] == now


def test_nothing_changed_means_nothing_runs(released: Fleet) -> None:
    before = released.project.output("release")
    released.project.up("--expect-no-changes")
    assert released.project.output("release") == before


def test_a_release_under_load_and_open_websockets_loses_nothing(released: Fleet, now: str, other: str) -> None:
    release_under_load(released, now, other)


@pytest.mark.thorough
def test_and_back_again(released: Fleet, now: str, other: str) -> None:
    release_under_load(released, now, other)
    release_under_load(released, other, now)


def release_under_load(fleet: Fleet, old: str, new: str) -> None:
    before = fleet.project.output("release")
    load = Load(f"{fleet.url}/health/", rate=80, workers=16, authorities=fleet.authorities)
    slow = Load(f"{fleet.url}/slow/?seconds=2", rate=2, workers=4, authorities=fleet.authorities)
    sockets = Sockets(f"ws{fleet.url.removeprefix('http')}/ws/echo/", fleet.authorities)
    with healthy_targets(fleet) as fewest, sockets as talk, load as count, slow as patient:
        fleet.project.release(new)
    proof = fleet.project.output("release")
    assert count.failed == 0, count.answers
    assert count.rate >= 50
    assert set(count.versions) == {old, new}
    assert patient.failed == 0 and patient.total > 10, patient.answers
    assert not talk.refused, talk.refused
    assert 20 <= len(talk.closings) <= 2 * 20 * 2, talk.closings  # all moved at least once
    assert min(fewest) >= 1
    assert proof["image_tag"] == new and proof["previous"]["digest"] == before["digest"]
    assert proof["probe"]["http"]["failures"] == 0 and proof["probe"]["websocket"]["cuts_before_the_drain_ended"] == 0
    assert [host["digest"] for host in proof["hosts"]] == [proof["digest"]] * 2
    for host in proof["hosts"]:
        assert host["drained_by"] == "limit" and DRAIN_SECONDS <= host["steps"]["drain"] <= DRAIN_SECONDS + 5, host
    assert fleet.whole()


@contextmanager
def healthy_targets(fleet: Fleet) -> Iterator[list[int]]:
    """How many targets were healthy at each of the instants looked at."""
    seen: list[int] = []
    stop = Event()

    def watch() -> None:
        while not stop.wait(0.5):
            seen.append(list(fleet.target_states().values()).count("healthy"))

    thread = Thread(target=watch)
    thread.start()
    try:
        time.sleep(1)
        yield seen
    finally:
        stop.set()
        thread.join()
