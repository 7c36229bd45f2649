"""What the command stand-in does with each property, over the plugin's own calls."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.plugins.values import UNKNOWN, Object, Secret
from tests.contract.plugin import Failed, Plugin

COMMAND = "command:local:Command"


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    environment = {**os.environ, "FROM_CALLER": "caller"}
    with Plugin("command", environment, tmp_path_factory.mktemp("project")) as started:
        yield started


def _create(plugin: Plugin, **inputs: object) -> Object:
    return plugin.create(COMMAND, "it", inputs)[1]


def _update(plugin: Plugin, state: Object, **inputs: object) -> Object:
    return plugin.update(COMMAND, "it", "it1", state, state, inputs)


def test_without_update_the_create_command_runs_again(plugin: Plugin) -> None:
    state = _create(plugin, create="echo one")
    assert _update(plugin, state, create="echo two")["stdout"] == "two"
    assert _update(plugin, state, create="echo two", update="echo three")["stdout"] == "three"


def test_without_a_command_nothing_runs(plugin: Plugin) -> None:
    assert _create(plugin, delete="true") == {"delete": "true", "stdout": "", "stderr": ""}


def test_delete_runs_the_old_command_in_its_old_surroundings(plugin: Plugin, tmp_path: Path) -> None:
    state = _create(
        plugin, create="true", delete="pwd > it; echo $IMAGE >> it", dir=str(tmp_path), environment={"IMAGE": "a"}
    )
    plugin.delete(COMMAND, "it", "it1", state, state)
    assert (tmp_path / "it").read_text() == f"{tmp_path}\na\n"


def test_directory_input_environment_and_interpreter(plugin: Plugin, tmp_path: Path) -> None:
    state = _create(
        plugin,
        create="pwd; cat; echo $FROM_CALLER$MINE",
        dir=str(tmp_path),
        stdin="in\n",
        environment={"MINE": "-mine"},
    )
    assert state["stdout"] == f"{tmp_path}\nin\ncaller-mine"
    python = [sys.executable, "-c"]
    assert _create(plugin, create="print(6 * 7)", interpreter=python)["stdout"] == "42"


def test_former_output_is_in_the_environment(plugin: Plugin) -> None:
    state = _create(plugin, create="echo out; echo err >&2")
    both = "echo ${PULUMI_COMMAND_STDOUT:-none} ${PULUMI_COMMAND_STDERR:-none}"
    assert _update(plugin, state, create=both)["stdout"] == "out err"
    assert _update(plugin, state, create=both, addPreviousOutputInEnv=False)["stdout"] == "none none"


def test_command_that_fails(plugin: Plugin) -> None:
    with pytest.raises(Failed) as failure:
        _create(plugin, create="echo a; echo b >&2; exit 3")
    first, *streams = str(failure.value).splitlines()
    assert first == 'exit status 3: running "echo a; echo b >&2; exit 3":'
    assert sorted(streams) == ["a", "b"]
    assert failure.value.partial is None
    with pytest.raises(Failed, match="No such file or directory"):
        _create(plugin, create="true", interpreter=["no-such-program"])


def test_secret_of_an_input_covers_what_is_printed(plugin: Plugin) -> None:
    environment = {"KEY": Secret("hush"), "IMAGE": "a"}
    state = _create(plugin, create="echo $KEY", environment=environment)
    assert state["environment"] == environment
    assert state["stdout"] == Secret("hush")
    assert _create(plugin, create="echo x")["stdout"] == "x"


def test_preview_runs_nothing(plugin: Plugin, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    inputs = {"create": f"touch {mark}"}
    _, previewed = plugin.create(COMMAND, "it", inputs, preview=True)
    assert (previewed["stdout"], mark.exists()) == (UNKNOWN, False)


def test_differences_are_shown_where_they_are(plugin: Plugin) -> None:
    old = {"create": "a", "environment": {"IMAGE": "a", "X.Y": "1"}, "triggers": ["a"]}
    new = {"create": "a", "environment": {"IMAGE": "b", "X.Y": "2"}, "triggers": ["b"]}
    diff = plugin.diff(COMMAND, "it", "it1", old, old, new)
    assert set(diff.detailedDiff) == {"environment.IMAGE", 'environment["X.Y"]', "triggers[0]"}
    assert list(diff.replaces) == ["triggers"]


def test_line_of_more_than_64_kib_is_no_hang(plugin: Plugin) -> None:
    state = _create(plugin, create="head -c 200000 /dev/zero | tr '\\0' x; echo")
    assert len(state["stdout"]) == 200_000


@pytest.mark.parametrize(
    ("inputs", "path", "reason"),
    [
        ({"assetPaths": ["*"]}, "assetPaths", "has no property 'assetPaths'"),
        ({"logging": "loud"}, "logging", "logging is one of stdout, stderr, stdoutAndStderr, none, got 'loud'"),
        ({"environment": {"A": 1}}, "environment", "wants environment to be {str}"),
        ({"create": 1}, "create", "wants create to be str, got int"),
    ],
)
def test_wrong_property(plugin: Plugin, inputs: Object, path: str, reason: str) -> None:
    assert reason in dict(plugin.check(COMMAND, "it", inputs)[1])[path]


def test_unknown_type_and_function(plugin: Plugin) -> None:
    with pytest.raises(Failed, match="does not offer the type command:remote:Command"):
        plugin.check("command:remote:Command", "it", {})
    with pytest.raises(Failed, match="does not offer the function command:local:run"):
        plugin.invoke("command:local:run", {})


def test_lines_go_where_logging_says(tmp_path: Path) -> None:
    with Plugin("command", os.environ, tmp_path, engine=True) as plugin:
        both = "echo from-out; echo from-err >&2"
        for logging, expected in {
            "stdout": {"from-out"},
            "stderr": {"from-err"},
            "stdoutAndStderr": {"from-out", "from-err"},
            "none": set(),
        }.items():
            plugin.lines.clear()
            _create(plugin, create=both, logging=logging)
            assert {line.message for line in plugin.lines} == expected
            assert all(line.ephemeral for line in plugin.lines)
