"""The set-up's steps run in order, side by side where they can, and stop with one sentence."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from localcloud.up import job as job_module
from localcloud.up.job import Job, Processes, StepFailed
from localcloud.up.steps import Run, Step, select

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Logs of their own, and no memory of another test's interruption."""
    monkeypatch.setattr(job_module, "LOGS", tmp_path)
    monkeypatch.setattr(job_module, "PROCESSES", fresh := Processes())
    monkeypatch.setattr("localcloud.up.steps.PROCESSES", fresh)
    return tmp_path


def nothing(_: Job) -> None:
    """A step that does nothing."""


def step(name: str, *needs: str, run: Callable[[Job], None] = nothing, done: bool = False) -> Step:
    return Step(name=name, needs=needs, run=run, done=lambda: done)


def test_selection_takes_the_goal_and_what_it_needs_only() -> None:
    steps = (step("a"), step("b", "a"), step("c"), step("d", "b"))
    assert [chosen.name for chosen in select(steps, ["d"])] == ["a", "b", "d"]


def test_selection_refuses_unknown_steps_and_needs_that_come_later() -> None:
    with pytest.raises(ValueError, match="no step 'x'"):
        select((step("a"),), ["x"])
    with pytest.raises(ValueError, match="'a' needs 'b'"):
        select((step("a", "b"), step("b")), ["a"])


def test_steps_that_do_not_depend_on_each_other_run_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    meeting = threading.Barrier(2, timeout=5)  # broken unless both steps are in it at once
    order: list[str] = []

    def meet(job: Job) -> None:
        meeting.wait()
        order.append("met")

    def last(job: Job) -> None:
        order.append("last")

    code = Run((step("a", run=meet), step("b", run=meet), step("c", "a", "b", run=last))).execute()
    assert (code, order) == (0, ["met", "met", "last"])
    assert "done in" in capsys.readouterr().out


def test_a_step_that_is_done_is_not_run(capsys: pytest.CaptureFixture[str]) -> None:
    def run(_: Job) -> None:
        raise AssertionError

    assert Run((step("a", run=run, done=True),)).execute() == 0
    assert "already there" in capsys.readouterr().out


def test_a_failure_is_told_with_the_log_and_stops_what_needs_it(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(job: Job) -> None:
        job.run("sh", "-c", "echo the disk is full >&2; exit 3", failure="the cake cannot be baked")

    ran: list[str] = []
    code = Run((step("cake", run=fail), step("party", "cake", run=lambda _: ran.append("party")))).execute()
    out = capsys.readouterr().out
    assert (code, ran) == (1, [])
    assert "the disk is full" in out
    assert out.rstrip().endswith("cake: the cake cannot be baked")


def test_a_failure_ends_the_commands_of_other_steps(capsys: pytest.CaptureFixture[str]) -> None:
    running = threading.Event()

    def long(job: Job) -> None:
        running.set()
        job.run("sleep", "60", failure="the sleep was cut")

    def fail(job: Job) -> None:
        running.wait(5)
        raise StepFailed("no more")

    assert Run((step("long", run=long), step("fail", run=fail))).execute() == 1
    out = capsys.readouterr().out
    assert "fail: no more" in out
    assert "the sleep was cut" not in out  # a consequence, not a reason


def test_a_missing_program_is_named() -> None:
    with pytest.raises(StepFailed, match="no-such-program is not installed"):
        Job("a", lambda text: None).run("no-such-program", failure="x")


def test_a_command_is_ended_at_its_time_limit() -> None:
    code, _ = Job("a", lambda text: None).attempt("sleep", "60", seconds=0.1)
    assert code != 0


def heed_interrupts() -> None:
    """Who runs the tests in the background may ignore ^C, and so would everything below."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_control_c_ends_the_running_command_and_exits_130(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "from localcloud.up import job, steps\n"
        f"job.LOGS = __import__('pathlib').Path({str(tmp_path)!r})\n"
        "step = steps.Step(name='long', run=lambda job: job.run('sleep', '61', failure='cut'))\n"
        "raise SystemExit(steps.Run((step,)).execute())\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, str(program)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=heed_interrupts,
    ) as running:
        log = tmp_path / "long.log"
        assert job_module.wait_until(lambda: log.exists() and "$ sleep 61" in log.read_text(), 10, every=0.05)
        running.send_signal(signal.SIGINT)
        out, _ = running.communicate(timeout=10)
    assert running.returncode == 130
    assert "ending long" in out
