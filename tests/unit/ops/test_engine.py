"""How the commands drive the engine: its own sentence for a failure, and each signal exactly once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ops import engine
from ops.errors import OpsError

ROOT = Path(__file__).parents[3]
# Counts its interrupts for a second after the first one, as an engine that undoes its work would take time.
STUBBORN = """#!/bin/sh
n=0
trap 'n=$((n+1)); echo heard' INT
echo ready
i=0
while [ $i -lt 100 ] && { [ $n -eq 0 ] || [ $i -lt 20 ]; }; do i=$((i+1)); sleep 0.05; done
exit $((40+n))
"""


def engine_of(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `pulumi` of the test's own, first on PATH."""
    program = folder / "pulumi"
    program.write_text(script)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_a_refusal_carries_the_engines_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine_of(tmp_path, "#!/bin/sh\necho \"error: no stack named 'a.b' found\" >&2\nexit 6\n", monkeypatch)
    with pytest.raises(OpsError, match=r"`pulumi stack output` failed: no stack named 'a.b' found"):
        engine.ask("stack", "output")


def test_an_answer_that_is_no_json_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine_of(tmp_path, "#!/bin/sh\necho hello\n", monkeypatch)
    with pytest.raises(OpsError, match="answered no JSON"):
        engine.ask_json("whoami", "--json")


def test_no_engine_on_path_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OpsError, match="no `pulumi` on PATH"):
        engine.run(["up"])
    with pytest.raises(OpsError, match="no `pulumi` on PATH"):
        engine.ask("whoami")


@pytest.mark.parametrize("whole_group", [True, False])
def test_an_interrupt_reaches_the_engine_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole_group: bool
) -> None:
    """A terminal's ^C goes to the whole group, a runner's to one process, and a hurried person's comes twice."""
    engine_of(tmp_path, STUBBORN, monkeypatch)
    program = "import sys; from ops import engine; sys.exit(engine.run(['up']))"
    caller = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert caller.stdout is not None
    assert caller.stdout.readline() == "ready\n"
    send = os.killpg if whole_group else os.kill
    send(caller.pid, signal.SIGINT)
    assert caller.stdout.readline() == "heard\n"
    send(caller.pid, signal.SIGTERM)
    assert caller.wait(timeout=30) == 41
    assert caller.stdout.read() == ""
    caller.stdout.close()
