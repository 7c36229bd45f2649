"""pulumi-command's semantics through the real engine: what runs when, what the state keeps, how it is cut short."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROGRAM = """
import json, pulumi
from pulumi_command import local

command = local.Command("it", **json.load(open("inputs.json")))
pulumi.export("stdout", command.stdout)
"""


class Stack:
    """A project with one command; what it is given lies in inputs.json."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self.directory, self.environment = directory, environment
        (directory / "Pulumi.yaml").write_text("name: contract\nruntime: python\n")
        (directory / "__main__.py").write_text(PROGRAM)
        self.log = directory / "log"
        assert self.pulumi("stack", "init", "dev").returncode == 0

    def pulumi(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["pulumi", *words, "--non-interactive"],
            cwd=self.directory,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
        )

    def give(self, **inputs: Any) -> None:
        (self.directory / "inputs.json").write_text(json.dumps(inputs))

    def up(self, **inputs: Any) -> subprocess.CompletedProcess[str]:
        self.give(**inputs)
        return self.pulumi("up", "--yes", "--skip-preview")

    def state(self) -> dict[str, Any]:
        backend = Path(self.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
        resources = json.loads((backend / ".pulumi/stacks/contract/dev.json").read_text())["checkpoint"]["latest"]
        return next((one for one in resources.get("resources", []) if one["type"] == "command:local:Command"), {})

    def ran(self) -> list[str]:
        return self.log.read_text().split() if self.log.exists() else []

    def says(self, word: str) -> str:
        return f"echo {word} >> {self.log}; echo out-{word}"


@pytest.fixture
def stack(tmp_path: Path, stack_environment: dict[str, str]) -> Stack:
    directory = tmp_path / "project"
    directory.mkdir()
    return Stack(directory, stack_environment)


def test_create_update_replace_and_delete(stack: Stack) -> None:
    words = {
        "create": stack.says("create"),
        "update": stack.says("update"),
        "delete": f"echo bye-$IMAGE >> {stack.log}",
    }
    assert stack.up(**words, environment={"IMAGE": "a"}).returncode == 0
    assert stack.state()["outputs"]["stdout"] == "out-create"
    stack.give(**words, environment={"IMAGE": "b"})
    preview = stack.pulumi("preview", "--diff").stdout
    assert '~ IMAGE: "a" => "b"' in preview
    assert stack.ran() == ["create"], "a preview runs nothing"
    assert stack.up(**words, environment={"IMAGE": "b"}).returncode == 0
    assert stack.state()["outputs"]["stdout"] == "out-update"
    # Triggers replace, even with an update command: first the new one is created, then the old one deleted.
    assert "replaced" in stack.up(**words, environment={"IMAGE": "c"}, triggers=["a"]).stdout
    assert stack.ran() == ["create", "update", "create", "bye-b"]
    assert stack.pulumi("destroy", "--yes", "--skip-preview").returncode == 0
    assert stack.ran()[4:] == ["bye-c"]


def test_failure_keeps_the_old_inputs_and_is_tried_again(stack: Stack) -> None:
    stack.up(create=stack.says("fine"), environment={"IMAGE": "a"})
    failing = "echo to-stdout; echo to-stderr >&2; exit 3"
    failed = stack.up(create=failing, environment={"IMAGE": "b"})
    assert failed.returncode != 0
    assert f'exit status 3: running "{failing}":' in failed.stdout
    assert "to-stdout" in failed.stdout
    assert "to-stderr" in failed.stdout
    state = stack.state()
    assert (state["inputs"]["environment"], state["outputs"]["stdout"]) == ({"IMAGE": "a"}, "out-fine")
    assert "initErrors" not in state
    assert "1 updated" in stack.up(create=stack.says("again"), environment={"IMAGE": "b"}).stdout
    assert "2 unchanged" in stack.up(create=stack.says("again"), environment={"IMAGE": "b"}).stdout
    assert stack.ran() == ["fine", "again"]


def _until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    never = threading.Event()
    while not condition():
        assert time.monotonic() < deadline
        never.wait(0.05)


# A shell that waits for a program of its own: what a signal to the shell means for the program shows.
_WORKER = "import os, time; open('pid', 'w').write(str(os.getpid()) + ' ' + str(os.getppid())); {rest}"


def _start(stack: Stack, rest: str) -> "subprocess.Popen[bytes]":
    (stack.directory / "worker.py").write_text(_WORKER.format(rest=rest))
    stack.give(create=f"{sys.executable} worker.py; echo over >> {stack.log}")
    output = (stack.directory / "output").open("wb")
    with output:
        running = subprocess.Popen(
            ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"],
            cwd=stack.directory,
            env=stack.environment,
            stdout=output,
            stderr=output,
        )
    _until(lambda: (stack.directory / "pid").exists() and len((stack.directory / "pid").read_text().split()) == 2)
    return running


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except FileNotFoundError:
        return 0


def test_interrupt_kills_the_shell_and_waits_for_its_children(stack: Stack) -> None:
    running = _start(stack, "time.sleep(2); open('finished', 'w').close()")
    worker, shell = map(int, (stack.directory / "pid").read_text().split())
    running.send_signal(signal.SIGINT)
    _until(lambda: not _alive(shell))
    assert _alive(worker), "only the shell is killed"
    assert running.wait(30) != 0
    assert (stack.directory / "finished").exists(), "the engine waits until the pipes are closed"
    assert stack.ran() == [], "the shell does not go on"
    assert "signal: killed" in (stack.directory / "output").read_text()
    assert stack.state() == {}


def test_plugin_ends_with_the_engine_and_leaves_the_children(stack: Stack) -> None:
    running = _start(stack, "time.sleep(60)")
    worker, shell = map(int, (stack.directory / "pid").read_text().split())
    plugin = _parent(shell)
    # The engine's other children, the language host among them, do not notice its death by themselves.
    others = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _parent(pid) == running.pid]
    running.kill()
    running.wait(10)
    try:
        _until(lambda: not _alive(plugin))
        assert _alive(worker)
        _until(lambda: _parent(shell) != plugin)
    finally:
        for pid in [worker, *others]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
