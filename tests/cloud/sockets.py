"""Users with open WebSockets: each says something twice a second, and comes back when it is closed."""

import ssl
import threading
import time
from dataclasses import dataclass, field

import websocket

SAY_SECONDS = 0.5
PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Closing:
    """When and how a socket was closed."""

    at: float  # time.time()
    code: int  # of the close frame; 1006: there was none


@dataclass
class SocketCount:
    """What the users noticed."""

    closings: list[Closing] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)  # attempts to connect that failed
    answers: int = 0


class Sockets:
    """`with Sockets(url) as count:` keeps `number` sockets open until the block ends."""

    def __init__(self, url: str, authorities: str, number: int = 20) -> None:
        self._url, self._authorities = url, authorities
        self._stop, self._guard, self._open = threading.Event(), threading.Lock(), threading.Barrier(number + 1)
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(number)]
        self.count = SocketCount()

    def __enter__(self) -> SocketCount:
        for thread in self._threads:
            thread.start()
        self._open.wait(30)
        return self.count

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(2 * PATIENCE_SECONDS)

    def _work(self) -> None:
        first = True
        while not self._stop.is_set():
            try:
                connection = websocket.create_connection(
                    self._url, timeout=PATIENCE_SECONDS, sslopt={"context": self._context()}
                )
            except (OSError, websocket.WebSocketException) as error:
                with self._guard:
                    self.count.refused.append(f"{type(error).__name__}: {error}")
                self._stop.wait(SAY_SECONDS)
                continue
            if first:
                self._open.wait(30)
                first = False
            self._talk(connection)

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._authorities)

    def _talk(self, connection: websocket.WebSocket) -> None:
        try:
            while not self._stop.is_set():
                connection.send("hello")
                opcode, data = connection.recv_data()
                if opcode == websocket.ABNF.OPCODE_CLOSE:
                    self._closed(int.from_bytes(data[:2], "big") or 1005)
                    return
                with self._guard:
                    self.count.answers += 1
                self._stop.wait(SAY_SECONDS)
        except (OSError, websocket.WebSocketException):
            self._closed(1006)
        finally:
            connection.close(timeout=1)
            connection.shutdown()  # type: ignore[no-untyped-call] # close() leaves open what the other side closed

    def _closed(self, code: int) -> None:
        with self._guard:
            self.count.closings.append(Closing(at=time.time(), code=code))
