"""The sample service is good when it should be, and bad in exactly the way its MODE names."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from localcloud.sample import app
from localcloud.sample.build import SAMPLE

PROGRAM = Path(app.__file__)


@contextmanager
def process(**variables: str) -> "Iterator[tuple[subprocess.Popen[str], int]]":
    """The real program on a free loopback port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {"PATH": os.environ["PATH"], "PORT": str(port), "START_SECONDS": "0", **variables}
    with subprocess.Popen(
        [sys.executable, str(PROGRAM)], env=environment, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            yield running, port
        finally:
            running.kill()


def get(port: int, path: str, seconds: float = 10) -> tuple[int, str, str]:
    """Status, body and version header; waits until the service listens."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode(), answer.headers["X-Version"]
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(), error.headers["X-Version"]
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def test_good_version_answers_with_its_version_and_settings() -> None:
    with process(SECRET_KEY="k", VERSION="v7", GREETING="hello") as (_, port):
        status, body, version = get(port, "/health/")
        assert (status, version) == (200, "v7")
        assert '"greeting": "hello"' in body
        assert get(port, "/")[0] == 200
        assert get(port, "/nowhere")[0] == 404
        assert get(port, "/slow?seconds=x")[0] == 400


def test_names_of_variables_are_listed_and_values_are_not() -> None:
    with process(SECRET_KEY="do-not-show") as (_, port):
        body = get(port, "/env-names")[1]
    assert "SECRET_KEY" in body
    assert "do-not-show" not in body


def test_sigterm_lets_the_request_in_flight_finish() -> None:
    with process(SECRET_KEY="k") as (running, port):
        get(port, "/health/")
        answers: list[int] = []
        client = threading.Thread(target=lambda: answers.append(get(port, "/slow?seconds=1")[0]))
        client.start()
        time.sleep(0.3)  # the request is on its way; the service says nothing before it answers
        running.send_signal(signal.SIGTERM)
        client.join()
        running.wait(timeout=10)
        with pytest.raises(OSError):
            get(port, "/health/", seconds=0)
    assert answers == [200]


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "SECRET_KEY is not set"),
        ({"SECRET_KEY": "k", "MODE": "crash"}, "migration 0042"),
        ({"SECRET_KEY": "k", "MODE": "sad"}, "MODE is 'sad'"),
    ],
)
def test_start_fails_with_its_reason_on_standard_error(variables: Mapping[str, str], message: str) -> None:
    with process(**variables) as (running, _):
        _, errors = running.communicate(timeout=10)
    assert running.returncode == 1
    assert message in errors


def test_health_500_serves_pages_and_fails_its_check() -> None:
    with process(SECRET_KEY="k", MODE="health-500") as (_, port):
        assert get(port, "/")[0] == 200
        assert get(port, "/health/")[0] == 500


def test_the_containers_own_check_tells_well_from_ill() -> None:
    def check(port: int) -> int:
        command = [sys.executable, "-S", str(PROGRAM.with_name("healthcheck.py"))]
        return subprocess.run(command, env={"PORT": str(port)}, timeout=60).returncode

    with process(SECRET_KEY="k") as (_, port):
        get(port, "/health/")
        assert check(port) == 0
    assert check(port) == 1
    with process(SECRET_KEY="k", MODE="health-500") as (_, port):
        get(port, "/")
        assert check(port) == 1


def test_never_listens_lives_without_a_port() -> None:
    with process(SECRET_KEY="k", MODE="never-listens") as (running, port):
        assert running.stderr is not None
        assert "lock" in running.stderr.readline()
        with pytest.raises(OSError):
            get(port, "/health/", seconds=0.5)
        assert running.poll() is None


def settings(mode: str) -> app.Settings:
    return app.Settings.read({"SECRET_KEY": "k", "MODE": mode})


class Exited(BaseException):
    """In place of the end of the process."""


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Time that costs nothing, and an exit that can be seen."""
    naps: list[float] = []

    async def sleep(seconds: float) -> None:
        naps.append(seconds)

    def leave(code: int) -> None:
        raise Exited(code)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(os, "_exit", leave)
    return naps


def test_exit_20_exits_twenty_seconds_after_its_start(slept: list[float]) -> None:
    with pytest.raises(Exited, match="1"):
        asyncio.run(app.misbehave(settings("exit-20")))
    assert slept == [18]  # it was ready after 2


def test_oom_takes_memory_without_end(slept: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "NO_LIMIT_BYTES", 4 * app.STEP_BYTES)
    with pytest.raises(Exited):
        asyncio.run(app.misbehave(settings("oom")))
    assert len(slept) == 4


def test_health_lies_answers_checks_well_and_users_badly() -> None:
    with process(SECRET_KEY="k", MODE="health-lies") as (_, port):
        assert get(port, "/health/")[0] == 200
        by_user = urllib.request.Request(f"http://127.0.0.1:{port}/health/", headers={"X-Forwarded-For": "192.0.2.1"})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(by_user)
        with refused.value as answer:
            assert answer.code == 500


def test_good_never_misbehaves(slept: list[float]) -> None:
    asyncio.run(app.misbehave(settings("good")))
    assert slept == []


def test_build_refuses_an_unknown_mode() -> None:
    with pytest.raises(ValueError, match="mode is 'sad'"):
        SAMPLE.build(repository="r", tag="t", mode="sad")
