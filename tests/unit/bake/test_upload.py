"""The payload over a real SSH connection: whole, cut and gone on with, damaged; and the host key that is checked."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from actions.bake import server as bake_server
from actions.bake.cache import sha256_of
from actions.bake.server import Login, Server
from actions.hosts.host import HostError
from actions.lifeline import Cancellation
from tests.ports import free_port
from tests.unit.hosts.ssh_server import SshServer
from tests.unit.hosts.test_ssh import new_key

SIZE = 3_000_000


@pytest.fixture
def payload(tmp_path: Path) -> Path:
    file = tmp_path / "payload.tar"
    file.write_bytes(os.urandom(SIZE))
    return file


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[SshServer, Login]]:
    monkeypatch.setattr(bake_server, "AS_ROOT", "exec sh -c {text}")  # nobody becomes root here
    monkeypatch.setattr(bake_server, "SETTLING_SECONDS", 0.0)
    host_key, _ = new_key()
    allowed, private = new_key()
    with SshServer(host_key, allowed) as server:
        server.environment["STAGE"] = str(tmp_path / "stage")
        public = f"ssh-ed25519 {host_key.get_base64()}"
        yield (
            server,
            Login(run="run-1", address="127.0.0.1", port=server.port, user="admin", key=private, host_key=public),
        )


def send(login: Login, payload: Path) -> list[str]:
    said: list[str] = []
    with Server(login, 0.0, Cancellation()) as server:
        server.send(payload, sha256_of(payload), said.append)
    return said


def arrived(payload: Path) -> bool:
    stage = payload.parent / "stage"
    whole = stage / f"{sha256_of(payload)}.whole"
    return whole.read_bytes() == payload.read_bytes() and [file.name for file in stage.iterdir()] == [whole.name]


def test_it_arrives_whole_over_one_connection(host: tuple[SshServer, Login], payload: Path) -> None:
    server, login = host
    assert send(login, payload) == [] and arrived(payload)
    assert server.connections == 1 and server.received == [SIZE]
    assert send(login, payload) == [] and server.received == [SIZE]  # it is there: nothing is sent


def test_an_upload_that_is_cut_goes_on_where_it_ended(host: tuple[SshServer, Login], payload: Path) -> None:
    server, login = host
    server.cuts = [1_000_000, 500_000]
    said = send(login, payload)
    assert arrived(payload) and server.received == [1_000_000, 500_000, 1_500_000]
    assert len(said) == 2 and all("going on where it ended" in line for line in said)


def test_another_run_goes_on_as_well_and_forgets_what_is_not_wanted(
    host: tuple[SshServer, Login], payload: Path
) -> None:
    server, login = host
    stage = payload.parent / "stage"
    stage.mkdir()
    (stage / f"{sha256_of(payload)}.part.earlier").write_bytes(payload.read_bytes()[:2_000_000])
    (stage / f"{'0' * 64}.whole").write_text("of another payload")
    send(login, payload)
    assert arrived(payload) and server.received == [1_000_000]


def test_what_arrived_damaged_is_sent_again_from_the_beginning(host: tuple[SshServer, Login], payload: Path) -> None:
    server, login = host
    stage = payload.parent / "stage"
    stage.mkdir()
    (stage / f"{sha256_of(payload)}.part.earlier").write_bytes(b"?" * 2_000_000)
    said = send(login, payload)
    assert arrived(payload) and server.received == [1_000_000, SIZE]
    assert said == ["upload: what arrived is not what was sent; again"]


def test_an_upload_that_is_cut_again_and_again(host: tuple[SshServer, Login], payload: Path) -> None:
    server, login = host
    server.cuts = [0] * 10
    with pytest.raises(HostError, match="run-1: the payload did not arrive in 5 attempts"):
        send(login, payload)


def test_a_server_with_another_host_key(host: tuple[SshServer, Login], payload: Path) -> None:
    server, login = host
    other, _ = new_key()
    wrong = Login(**{**vars(login), "host_key": f"ssh-ed25519 {other.get_base64()}"})
    with pytest.raises(HostError, match=r"shows the SSH key SHA256:.*, and this run gave its server the"):
        send(wrong, payload)
    assert server.commands == []


def test_a_server_that_lets_nobody_in_or_does_not_answer(host: tuple[SshServer, Login], payload: Path) -> None:
    _, login = host
    with pytest.raises(HostError, match="does not let root in with the key of this run"):
        send(Login(**{**vars(login), "user": "root"}), payload)
    with pytest.raises(HostError, match=r"no SSH server answers at 127\.0\.0\.1"):
        send(Login(**{**vars(login), "port": free_port()}), payload)


def test_a_script_that_fails_gives_its_own_reason(host: tuple[SshServer, Login], payload: Path) -> None:
    server, login = host
    (payload.parent / "stage").write_text("a file is in the way")
    with pytest.raises(HostError, match="run-1: mkdir: cannot create directory"):
        send(login, payload)
    assert len(server.commands) == 1
