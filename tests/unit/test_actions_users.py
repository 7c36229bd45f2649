"""Users of a release: which certificates they check, and what those with WebSockets notice, against a real server."""

import base64
import contextlib
import hashlib
import socket
import threading
from collections.abc import Iterator

import pytest

from actions import users
from actions.rolling.sockets import Sockets
from tests.waiting import until

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455


@pytest.mark.parametrize(
    ("url", "bundle", "verify"),
    [
        ("https://team.example.com/health/", "", True),
        ("https://team.example.com/health/", "/ca.pem", "/ca.pem"),
        ("https://127.17.214.3/health/", "/ca.pem", "/ca.pem"),
        ("https://203.0.113.7/health/", "/ca.pem", False),
        ("https://alb-1.us-east-1.elb.amazonaws.com/health/", "/ca.pem", False),
    ],
)
def test_certificates_are_checked_where_one_can_be_had(
    url: str, bundle: str, verify: bool | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    with users.session(url) as session:
        assert session.verify == verify and not session.trust_env


class EchoServer:
    """Takes WebSockets and sends back what it hears; `cut` closes them all, as a balancer does."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self._listening.getsockname()[1]}/ws/"
        self.open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        while self.open:
            with contextlib.suppress(OSError):  # the user has gone already
                self.open.pop().shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listening.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            request = connection.recv(4096).decode()
            key = next(line for line in request.splitlines() if line.startswith("Sec-WebSocket-Key")).split(": ")[1]
            accept = base64.b64encode(hashlib.sha1((key + MAGIC).encode()).digest()).decode()  # noqa: S324 - the RFC's
            head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            connection.sendall(f"{head}Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())
            self.open.append(connection)
            while frame := connection.recv(4096):
                size, mask, text = frame[1] & 0x7F, frame[2:6], frame[6:]
                heard = bytes(byte ^ mask[index % 4] for index, byte in enumerate(text[:size]))
                connection.sendall(bytes([frame[0], size]) + heard)


@pytest.fixture
def echo() -> Iterator[EchoServer]:
    server = EchoServer()
    yield server
    server.close()


def test_cut_connections_are_counted_and_those_before_the_end_of_a_drain_told_apart(echo: EchoServer) -> None:
    sockets = Sockets(echo.url, serving=True)
    sockets.start()
    until(lambda: sockets.result.messages >= 4, "messages", 10)
    echo.cut()
    until(lambda: len(sockets.result.cuts) >= 2 and sockets.result.connections >= 4, "both are cut and return", 10)
    result = sockets.stop()
    assert result.refused == 0
    assert result.as_dict([])["cuts_before_the_drain_ended"] == len(result.cuts) >= 2
    assert result.as_dict([(0.0, 60.0)])["cuts_before_the_drain_ended"] == 0


def test_refused_connections_count_only_where_something_was_served(echo: EchoServer) -> None:
    echo.close()
    noticing, waiting = Sockets(echo.url, serving=True), Sockets(echo.url, serving=False)
    noticing.start()
    waiting.start()
    until(lambda: noticing.result.refused >= 2, "refusals", 10)
    assert noticing.stop().refused >= 2
    assert waiting.stop().refused == 0
