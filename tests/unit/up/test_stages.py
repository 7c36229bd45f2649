"""A local stack that stands for several: in turn, then destroyed in reverse, whatever comes of it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from localcloud import daemon
from localcloud.openstack.process import DAEMON
from localcloud.up import low_ports
from localcloud.up.job import Job, StepFailed
from localcloud.up.release import Deployment
from localcloud.up.stages import Stages, deployment_of

BAKE, TEST = "photo-api.bake-local", "photo-api.test-local"


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What is done with the stacks."""
    words: list[str] = []
    monkeypatch.setattr("localcloud.up.job.LOGS", tmp_path)
    for word in ("select", "release", "destroy"):
        monkeypatch.setattr(Deployment, word, _teller(words, word))
    outputs = {"imageId": "i", "summary": "steps", "picture": "p.svg", "reused": False}
    monkeypatch.setattr(Deployment, "outputs", lambda self, job: outputs)
    return words


def _teller(words: list[str], word: str, failure: str = "") -> Any:
    def tell(self: Deployment, job: Job) -> None:
        words.append(f"{word} {self.stack}")
        if failure and self.stack == TEST:
            raise StepFailed(failure)

    return tell


def run() -> Stages:
    stages = deployment_of("photo-api.local")
    assert isinstance(stages, Stages)
    stages.release(Job("release", lambda text: None))
    return stages


def test_every_part_is_brought_up_and_then_destroyed_in_reverse(done: list[str]) -> None:
    stages = run()
    assert done == [
        *(f"select {BAKE}", f"release {BAKE}", f"select {TEST}", f"release {TEST}"),
        *(f"destroy {TEST}", f"destroy {BAKE}"),
    ]
    assert stages.report() == "steps\np.svg\nsteps\np.svg\nimage i"


def test_after_a_failure_what_was_begun_is_destroyed_and_all_reasons_are_told(
    done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Deployment, "release", _teller(done, "release", "the test fails"))
    monkeypatch.setattr(Deployment, "destroy", _teller(done, "destroy", "a server is left"))
    with pytest.raises(StepFailed, match=r"^the test fails; a server is left$"):
        run()
    assert done[-2:] == [f"destroy {TEST}", f"destroy {BAKE}"]


def test_an_image_that_was_tested_before_is_not_tested_again(done: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    outputs: Mapping[str, Any] = {"imageId": "i", "reused": True}
    monkeypatch.setattr(Deployment, "outputs", lambda self, job: outputs)
    stages = run()
    assert done == [f"select {BAKE}", f"release {BAKE}", f"destroy {BAKE}"]
    assert stages.report() == "image i, tested before: nothing was started"


def test_other_stacks_stand_for_themselves() -> None:
    assert type(deployment_of("photo-api.bake-local")) is Deployment
    assert type(deployment_of("liveinsight.local")) is Deployment


def test_whoever_is_not_root_listens_on_low_ports_by_a_copy_of_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setattr(low_ports, "PROGRAM", tmp_path / daemon.LOW_PORTS)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert not low_ports.ready()
    assert DAEMON._python() == str(tmp_path / "python")
    low_ports.PROGRAM.touch()
    assert low_ports.ready()
    assert DAEMON._python() == str(tmp_path / daemon.LOW_PORTS)
