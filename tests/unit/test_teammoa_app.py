"""TeamMoa's sample application passes its own tests, and its server ends politely."""

import http.client
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
import websocket

from localcloud.teammoa import build
from tests.ports import free_port
from tests.waiting import until

TEST_SETTINGS = "config.settings_test"


def environment(**variables: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": TEST_SETTINGS, "VERSION": "v7", **variables}


@contextmanager
def served(**variables: str) -> "Iterator[tuple[subprocess.Popen[str], int]]":
    """The real server, without a database of its own, once it listens."""
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "serve.py"],
        cwd=build.APP,
        env=environment(PORT=str(port), **variables),
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stderr is not None
            assert server.stderr.readline() == "teammoa: version v7 serves\n"
            yield server, port
        finally:
            server.kill()


def test_its_own_tests_pass() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "test"], cwd=build.APP, env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "Ran 8 tests" in done.stderr


@contextmanager
def asked(port: int, method: str, path: str, *, promised: int = 0) -> Iterator[http.client.HTTPConnection]:
    """A request the server works on; `promised` bytes of its body are still to be sent."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.putrequest(method, path)
        connection.putheader("Content-Length", str(promised))
        connection.endheaders()
        until(lambda: get(port, "/slow/?seconds=0") == 200, seconds=10, what="the server answers")
        yield connection


@contextmanager
def opened_socket(port: int) -> Iterator[websocket.WebSocket]:
    socket = websocket.create_connection(f"ws://127.0.0.1:{port}/ws/echo/", timeout=20)
    assert socket.sock is not None
    with socket.sock:  # socket.close() leaves it open when the server has closed before
        yield socket


def get(port: int, path: str) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("GET", path)
        return answer_of(connection)[0]


def answer_of(connection: http.client.HTTPConnection) -> tuple[int, bytes]:
    with connection.getresponse() as answer:
        return answer.status, answer.read()


def test_sigterm_sends_sockets_away_and_finishes_an_upload() -> None:
    with (
        served() as (server, port),
        opened_socket(port) as socket,
        asked(port, "GET", "/slow/?seconds=1") as slow,
        asked(port, "POST", "/upload/", promised=2_000_000) as upload,
    ):
        upload.send(b"x" * 1_000_000)
        socket.send("hello")
        assert json.loads(socket.recv()) | {"instance": ""} == {"version": "v7", "instance": "", "echo": "hello"}

        server.send_signal(signal.SIGTERM)
        opcode, data = socket.recv_data()
        assert (opcode, int.from_bytes(data[:2])) == (websocket.ABNF.OPCODE_CLOSE, 1001)
        with pytest.raises((ConnectionRefusedError, ConnectionResetError)):
            get(port, "/")
        assert server.poll() is None
        upload.send(b"x" * 1_000_000)
        assert json.loads(answer_of(upload)[1])["bytes"] == 2_000_000
        assert answer_of(slow)[0] == 200
        assert server.wait(timeout=20) == 0


def test_what_never_ends_is_cut_off_after_the_stop_time() -> None:
    with served(STOP_SECONDS="0.5") as (server, port), asked(port, "GET", "/slow/?seconds=600"):
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=20) == 0
        assert server.stderr is not None
        assert "1 unfinished" in server.stderr.read()


def start(**variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "serve.py"],
        cwd=build.APP,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_start_that_fails_says_why() -> None:
    crashed = start(MODE="crash")
    assert (crashed.returncode, crashed.stderr) == (1, "teammoa: cannot start: migration 0042 is not applied\n")
    unset = start(DJANGO_SETTINGS_MODULE="config.settings")
    assert (unset.returncode, unset.stderr) == (1, "teammoa: cannot start: SECRET_KEY is not set\n")


def test_the_migration_of_migrate_fails_fails() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--noinput"],
        cwd=build.APP,
        env=environment(MODE="migrate-fails"),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "colour" in done.stderr.splitlines()[-1]


def test_the_foreign_image_is_for_arm64_alone() -> None:
    files = unpacked(build.foreign_image("teammoa-web:arm64"))
    (manifest,) = json.loads(files["manifest.json"])
    assert manifest["RepoTags"] == ["teammoa-web:arm64"]
    assert json.loads(files[manifest["Config"]])["architecture"] == "arm64"
    program = unpacked(files[manifest["Layers"][0]])["app/serve"]
    assert program[:4] == b"\x7fELF" and int.from_bytes(program[18:20], "little") == build.AARCH64


def unpacked(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        found = {member.name: opened.extractfile(member) for member in opened}
        return {name: content.read() for name, content in found.items() if content is not None}


def test_build_refuses_an_unknown_mode() -> None:
    with pytest.raises(ValueError, match="mode is 'sad'"):
        build.TEAMMOA.build(repository="r", tag="t", mode="sad")
