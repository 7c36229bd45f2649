"""What goes wrong on a server that is built: said in one sentence, and mended by running again."""

import shlex
import shutil
from pathlib import Path

import pytest

from actions.bake.server import Login
from actions.hosts.connection import Connection
from actions.lifeline import Cancellation
from tests.cloud.bake.conftest import Workshop
from tests.cloud.openstack_servers import LOCAL_DISK, action

pytestmark = pytest.mark.thorough  # the units have each of these without a server that boots
APT = """#!/bin/sh
case $* in *refused*) echo "E: Unable to locate package refused" >&2; exit 100 ;; esac
"""
BROKEN = "import photos_that_nobody_installed\n"


def test_a_server_that_never_answers(workshop: Workshop) -> None:
    workshop.world.control("faults", [{"on": "no-ssh"}])
    machine = workshop.world.boot("bake", flavor=LOCAL_DISK)
    said = workshop.refused("actions.bake.prepare", machine, BOOT_SECONDS="3")
    assert f"failed: {machine.environment['RUN']}: no SSH server answers at {machine.address}: " in said
    workshop.world.delete(machine)


def test_a_server_with_another_host_key(workshop: Workshop) -> None:
    workshop.world.control("faults", [{"on": "other-host-key"}])
    machine = workshop.world.boot("bake", flavor=LOCAL_DISK)
    said = workshop.refused("actions.bake.prepare", machine)
    assert "shows the SSH key SHA256:" in said and "and this run gave its server the host key SHA256:" in said
    workshop.world.delete(machine)


def test_an_upload_that_is_cut_and_an_application_that_is_broken(workshop: Workshop, tmp_path: Path) -> None:
    """On one server: a bake that fails is repeated there with what was mended."""
    machine = workshop.world.boot("bake", flavor=LOCAL_DISK)
    workshop.run("actions.bake.prepare", machine)
    tree = tmp_path / "broken"
    shutil.copytree(workshop.given["SOURCE"], tree)
    (tree / "app" / "main.py").write_text(BROKEN)
    workshop.world.control("faults", [{"on": "cut-upload", "bytes": 1_000_000}])
    said = workshop.refused("actions.bake_image", machine, SOURCE=str(tree))
    assert "going on where it ended" in said
    assert "log | ModuleNotFoundError: No module named 'photos_that_nobody_installed'" in said
    assert "photo-api is activating after 3 restarts, and systemd has given it up" in said or "is failed after" in said
    assert "bake_sealed" not in workshop.world.servers.get(machine.server).metadata
    assert workshop.run("actions.bake_image", machine)["health"] == "HTTP 200"
    workshop.world.delete(machine)


def test_requirements_that_cannot_be_installed(workshop: Workshop, tmp_path: Path) -> None:
    """Wheels of other requirements: as a cache of another machine would have them."""
    machine = workshop.world.boot("bake", flavor=LOCAL_DISK)
    workshop.run("actions.bake.prepare", machine)
    (tmp_path / "requirements.txt").write_text("fastapi==0.0.1\n")
    parts = workshop.parts()
    said = workshop.refused("actions.bake_image", machine, REQUIREMENTS=str(tmp_path / "requirements.txt"), **parts)
    assert "failed:" in said and "pip cannot install the requirements: ERROR: " in said and "fastapi==0.0.1" in said
    workshop.world.delete(machine)


def test_a_secret_that_is_missing_moves_nothing(workshop: Workshop) -> None:
    machine = workshop.world.boot("bake", flavor=LOCAL_DISK)
    said = workshop.refused("actions.bake_image", machine, PHOTO_DATABASE="")
    assert "failed: the runner's environment has no PHOTO_DATABASE, which SECRETS wants" in said
    workshop.world.delete(machine)


def test_told_to_stop_it_ends_and_goes_on_later(workshop: Workshop) -> None:
    machine = workshop.world.boot("bake", flavor=LOCAL_DISK)
    workshop.run("actions.bake.prepare", machine)
    process = action("actions.bake_image", workshop.environment(machine))
    assert process.stderr is not None
    for line in process.stderr:
        if "MB arrived" in line:
            process.terminate()
            break
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1 and "cancelled: it was told to stop" in errors
    assert workshop.run("actions.bake_image", machine)["sealed"] == "recipe-1"
    workshop.world.delete(machine)


def test_packages_that_are_missing(workshop: Workshop) -> None:
    """First with apt as it is on a server that reaches no mirror, then with one that has everything."""
    machine = workshop.world.boot("bake", flavor=LOCAL_DISK)
    said = workshop.refused("actions.bake.prepare", machine, PACKAGES="python3.11,photo-tools")
    assert "the package lists cannot be had: " in said or "apt cannot install photo-tools: " in said
    login = Login.of(machine.environment)
    connection = Connection(login.run, login.way, lambda: 30.0, Cancellation())
    connection.run(f"printf '%s' {shlex.quote(APT)} >/usr/local/sbin/apt-get; chmod 755 /usr/local/sbin/apt-get", 60)
    connection.close()
    found = workshop.run("actions.bake.prepare", machine, PACKAGES="python3.11,photo-tools")
    assert found["installed"] == ["photo-tools"]
    said = workshop.refused("actions.bake.prepare", machine, PACKAGES="refused")
    assert "apt cannot install refused: E: Unable to locate package refused" in said
    said = workshop.refused("actions.bake.prepare", machine, PACKAGES="python3.11", PYTHON="python9.9")
    assert "there is no python9.9, and python3.11 did not bring it" in said
    workshop.world.delete(machine)


def test_a_base_image_and_an_application_baked_on_it(workshop: Workshop) -> None:
    """Agents come with the base; the bake on it brings the application alone."""
    machine = workshop.world.boot("base")
    base = {"PAYLOAD": "base", "REQUIREMENTS": "", "SOURCE": "", "SECRETS": "{}"}
    workshop.run("actions.bake.prepare", machine)
    assert set(workshop.run("actions.bake_image", machine, **base)["services"]) == {"node_exporter", "promtail"}
    image = workshop.world.snapshot(machine)
    second = workshop.world.boot("bake", image)
    workshop.run("actions.bake.prepare", second)
    built = workshop.run("actions.bake_image", second, NODE_EXPORTER="", LOG_AGENT="none")
    assert set(built["services"]) == {"photo-api", "node_exporter", "promtail"}
    test = workshop.world.boot("test", workshop.world.snapshot(second))
    assert len(workshop.run("actions.test_image", test)["checks"]) == 8
    for one in (machine, second, test):
        workshop.world.delete(one)
