"""What runs on a host, run here: the moves of its directories cut off anywhere, and `.env`.

A `docker` that knows of no container stands on PATH: what compose does is for the tests with machines.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from actions.hosts.host import Host, HostError
from actions.hosts.machine import FILES, ComposeMachine, Project, health_look
from actions.hosts.session import Output

SWITCH = ("mv previous older", "mv current previous", "mv next current", "rm -r older")
SWITCH_OVER_UNVERIFIED = ("mv current failed", "mv next current", "rm -r failed")
BACK = ("mv next next.gone && rm -r next.gone", "mv current failed", "mv previous current", "rm -r failed")


class Here:
    """Runs scripts on this machine."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment

    def run(self, script: str, timeout_seconds: float) -> Output:
        done = subprocess.run(
            ["sh", "-s"], input=script, capture_output=True, text=True, env=self._environment, timeout=timeout_seconds
        )
        return Output(code=done.returncode, out=done.stdout, err=done.stderr)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in ("bin", "run", "app"):
        (tmp_path / name).mkdir()
    (tmp_path / "bin" / "docker").write_text(
        '#!/bin/sh\ncase "$*" in version*) exit 1 ;; *services*) echo web ;; esac\n'
    )
    (tmp_path / "bin" / "docker").chmod(0o755)
    return tmp_path


@pytest.fixture
def machine(place: Path) -> ComposeMachine:
    environment = {
        **os.environ,
        "PATH": f"{place / 'bin'}:{os.environ['PATH']}",
        "RUNTIME_DIRECTORY": str(place / "run"),
    }
    host = Host(name="web-1", instance="i-1", address="")
    return ComposeMachine(host, Here(environment), Project(name="app", directory=str(place / "app"), region="r"))


def install(app: Path, verified: tuple[str, ...], **directories: str) -> None:
    shutil.rmtree(app)
    for directory, release in directories.items():
        (app / directory).mkdir(parents=True)
        (app / directory / ".env").write_text(f'IMAGE="app@{release}"\n')
        (app / directory / "compose.yaml").write_text("")
        if release in verified:
            (app / directory / "verified").touch()


def found(app: Path) -> dict[str, str]:
    images = {path.parent.name: path.read_text() for path in app.glob("*/.env")}
    return {name: text.split("@")[1].strip().rstrip('"') for name, text in images.items()}


def cut_off(app: Path, steps: tuple[str, ...], after: int) -> None:
    for step in steps[:after]:
        subprocess.run(["sh", "-c", step], cwd=app, check=True)


@pytest.mark.parametrize("after", range(len(SWITCH) + 1))
def test_a_switch_cut_off_anywhere_is_completed_and_can_be_undone(
    machine: ComposeMachine, place: Path, after: int
) -> None:
    app = place / "app"
    install(app, ("one", "two"), previous="one", current="two", next="three")
    cut_off(app, SWITCH, after)
    machine.switch()
    assert found(app) == {"current": "three", "previous": "two"}
    machine.back()
    assert found(app) == {"current": "two"}
    machine.back()  # again: what is verified stays
    assert found(app) == {"current": "two"}


@pytest.mark.parametrize("after", range(len(SWITCH_OVER_UNVERIFIED) + 1))
def test_what_was_never_verified_is_nothing_to_go_back_to(machine: ComposeMachine, place: Path, after: int) -> None:
    app = place / "app"
    install(app, ("one",), previous="one", current="broken", next="three")
    cut_off(app, SWITCH_OVER_UNVERIFIED, after)
    machine.switch()
    assert found(app) == {"current": "three", "previous": "one"}


@pytest.mark.parametrize("after", range(len(BACK) + 1))
def test_a_way_back_cut_off_anywhere_is_completed(machine: ComposeMachine, place: Path, after: int) -> None:
    app = place / "app"
    install(app, ("one",), previous="one", current="broken", next="three")
    cut_off(app, BACK, after)
    machine.back()
    assert found(app) == {"current": "one"}


def test_back_where_nothing_was_before(machine: ComposeMachine, place: Path) -> None:
    install(place / "app", (), current="broken")
    machine.back()
    assert found(place / "app") == {}
    machine.back()
    with pytest.raises(HostError, match="web-1: nothing is staged on it"):
        machine.switch()


def test_the_ledger_keeps_the_last_two_releases(machine: ComposeMachine, place: Path) -> None:
    install(place / "app", (), current="two")
    for digest in ("one", "two", "two"):
        machine.record({"digest": digest})
    seen = machine.observe()
    assert seen.verified
    assert seen.ledger == {"current": {"digest": "two"}, "previous": {"digest": "one"}}


def test_env_values_are_kept_as_they_are(place: Path) -> None:
    values = {"/p/a": 'it\'s "q" $x \\ \n two é #h', "/p/b": "plain"}
    answer = {"Parameters": [{"Name": name, "Value": value} for name, value in values.items()], "InvalidParameters": []}
    (place / "bin" / "aws").write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(answer)}\nEND\n")
    (place / "bin" / "aws").chmod(0o755)
    (place / "names").write_text("A /p/a\nB /p/b\n")
    done = subprocess.run(
        [sys.executable, str(FILES / "env.py"), "r", str(place / "names")],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PATH": f"{place / 'bin'}:{os.environ['PATH']}"},
    )
    assert done.stdout == 'A="it\'s \\"q\\" \\$x \\\\ \\n two é #h"\nB="plain"\n'


@pytest.mark.parametrize(
    ("text", "healthy", "final"),
    [
        ("look=web running healthy 0 app@d\nwanted=app@d\nanswer=200\n", True, False),
        ("look=web running - 0 app@d\nwanted=app@d\nanswer=204\n", True, False),
        ("look=web running starting 0 app@d\nwanted=app@d\nanswer=200\n", False, False),
        ("look=web running healthy 0 app@old\nwanted=app@d\nanswer=200\n", False, False),
        ("look=web running healthy 0 app@d\nwanted=app@d\nanswer=502\n", False, False),
        ("look=web running healthy 0 app@d\nwanted=app@d\nanswer=curl: (7) refused\n000\n", False, False),
        ("look=web exited - 0 app@d\nwanted=app@d\nanswer=502\n", False, True),
        ("look=web restarting - 3 app@d\nwanted=app@d\nanswer=502\n", False, True),
        ("look=web missing - 0 -\nwanted=app@d\nanswer=502\n", False, False),
    ],
)
def test_health(text: str, healthy: bool, final: bool) -> None:
    look = health_look(text, asked=True)
    assert (look.healthy, look.final) == (healthy, final)
