"""An image baked on a server that boots, tried on another that boots from it."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest
import requests

from tests.cloud.bake.conftest import LONGEST_SECONDS, SECRET, Workshop
from tests.cloud.openstack_servers import LOCAL_DISK, Machine, action
from tests.waiting import until

CHECKS = {"services", "health", "root", "metrics", "node_exporter", "log_agent", "time", "leftovers"}


@pytest.fixture(scope="module")
def baked(workshop: Workshop) -> Iterator[str]:
    """The id of an image that was baked without trouble."""
    machine = workshop.world.boot("bake")
    prepared = workshop.run("actions.bake.prepare", machine)
    assert prepared["python"].startswith("3.11") and prepared["installed"] == []
    built = workshop.run("actions.bake_image", machine, **workshop.parts())
    assert built["health"] == "HTTP 200" and set(built["services"]) == {"photo-api", "node_exporter", "promtail"}
    assert [step["name"] for step in built["steps"]] == ["upload", "install", "start", "seal"]
    image = workshop.world.snapshot(machine)
    workshop.world.delete(machine)
    yield image


@pytest.fixture(scope="module")
def tried(workshop: Workshop, baked: str) -> Iterator[Machine]:
    machine = workshop.world.boot("test", baked)
    yield machine
    workshop.world.delete(machine)


def test_a_server_from_the_image_passes_every_check(workshop: Workshop, tried: Machine) -> None:
    process = action("actions.test_image", workshop.environment(tried))
    out, errors = process.communicate(timeout=LONGEST_SECONDS)
    assert process.returncode == 0 and SECRET not in errors and json.dumps(SECRET) not in out, errors
    found = json.loads(out)
    assert set(found["checks"]) == CHECKS
    assert "1 of 1 secrets searched for, nothing left" in found["checks"]["leftovers"]
    assert "chrony synchronised" in found["checks"]["time"] and "(measured)" in found["checks"]["time"]
    told = requests.get(f"http://{tried.address}:8000/health", timeout=5).json()
    assert told == {"status": "ok", "configured": ["DATABASE_URL"]}  # from the server's memory, for this test


def test_a_broken_image_fails_by_the_name_of_the_check(workshop: Workshop, tried: Machine) -> None:
    said = workshop.refused(
        "actions.test_image", tried, METRICS="photos_total", NODE_EXPORTER="2.0.0", HEALTH_SECONDS="3"
    )
    assert "2 of 8 checks do not hold: metrics: /metrics has no photos_total; node_exporter: " in said


@pytest.mark.thorough
def test_a_server_that_was_never_sealed_holds_what_it_should_not(workshop: Workshop) -> None:
    """The image of a server that was installed and cut off: made by hand, as somebody in a hurry would."""
    machine = workshop.world.boot("bake")
    workshop.run("actions.bake.prepare", machine)
    strike(action("actions.bake_image", workshop.environment(machine, **workshop.parts())), "installed photo-api")
    image = workshop.world.snapshot(machine)
    workshop.world.delete(machine)
    hurried = workshop.world.boot("test", image)
    said = workshop.refused("actions.test_image", hurried, CHECKS="leftovers", SECRETS="{}")
    assert "no record of a sealing" in said and "/var/tmp/photo-api-bake" in said
    workshop.world.delete(hurried)


@pytest.mark.thorough
@pytest.mark.parametrize("line", ["MB arrived", "installed photo-api", "HTTP 200"])
def test_killed_anywhere_and_run_again_it_ends_sealed(workshop: Workshop, line: str) -> None:
    machine = workshop.world.boot("bake", flavor=LOCAL_DISK)
    workshop.run("actions.bake.prepare", machine)
    process = action("actions.bake_image", workshop.environment(machine, **workshop.parts()))
    strike(process, line)
    sealed_by_another_run(workshop, machine)


@pytest.mark.parametrize("seconds", [0.4, pytest.param(0.0, marks=pytest.mark.thorough)])
def test_killed_while_it_seals(workshop: Workshop, seconds: float) -> None:
    machine = workshop.world.boot("bake", flavor=LOCAL_DISK)
    workshop.run("actions.bake.prepare", machine)
    process = action("actions.bake_image", workshop.environment(machine, **workshop.parts()))
    until(lambda: "bake_sealed" in workshop.world.servers.get(machine.server).metadata, "it is marked", 60)
    time.sleep(seconds)
    kill(process)
    sealed_by_another_run(workshop, machine)


def sealed_by_another_run(workshop: Workshop, machine: Machine) -> None:
    built = workshop.run("actions.bake_image", machine, **workshop.parts())
    assert built["sealed"] == "recipe-1" and workshop.world.servers.get(machine.server).status == "SHUTOFF"
    again = workshop.run("actions.bake_image", machine, **workshop.parts())
    assert [step["name"] for step in again["steps"]] == ["seal"]
    workshop.world.delete(machine)


@pytest.mark.thorough
def test_two_bakes_at_once(workshop: Workshop) -> None:
    machines = [workshop.world.boot("bake") for _ in range(2)]
    for module in ("actions.bake.prepare", "actions.bake_image"):
        running = [action(module, workshop.environment(machine, **workshop.parts())) for machine in machines]
        for process in running:
            _, errors = process.communicate(timeout=120)
            assert process.returncode == 0, errors
    assert machines[0].environment["RUN"] != machines[1].environment["RUN"]
    for machine in machines:
        workshop.world.delete(machine)


def strike(process: subprocess.Popen[str], line: str) -> None:
    """kill -9 as soon as the action has said so."""
    assert process.stderr is not None
    for text in process.stderr:
        if line in text:
            kill(process)
            return
    raise AssertionError(f"{line!r} was never said")


def kill(process: subprocess.Popen[str]) -> None:
    """kill -9 of the action and its worker, which is its child in a session of its own."""
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True)
    for pid in [*map(int, children.stdout.split()), process.pid]:
        os.kill(pid, signal.SIGKILL)
    process.communicate()
