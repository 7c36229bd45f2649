"""Users with WebSockets for the length of a release: how often a connection was refused, and how often one was cut."""

import threading
import time
from dataclasses import dataclass, field

import websocket

from actions import users

CONNECTIONS = 2
LIFE_SECONDS = 4.0  # short, so that they do not themselves hold a host in its drain
TALK_SECONDS = 0.25
TIMEOUT_SECONDS = 5.0
KEPT_ERRORS = 5


@dataclass
class SocketResult:
    """What users with WebSockets would have noticed. `cuts`: seconds since the beginning."""

    connections: int = 0
    refused: int = 0
    messages: int = 0
    cuts: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)  # the first few, with their time

    def as_dict(self, drained: list[tuple[float, float]]) -> dict[str, object]:
        """`drained`: from the end of each host's drain to its return, when the balancer may cut what is left."""
        early = [cut for cut in self.cuts if not any(end - 1 <= cut <= back for end, back in drained)]
        counted = {"connections": self.connections, "refused": self.refused, "messages": self.messages}
        return {**counted, "cuts": len(self.cuts), "cuts_before_the_drain_ended": len(early), "errors": self.errors}


class Sockets:
    """Connects, talks, closes and connects again until stopped. Counting begins with the first connection."""

    def __init__(self, url: str, *, serving: bool) -> None:
        self._url, self._counting = url, serving
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(CONNECTIONS if url else 0)]
        self._began = time.monotonic()
        self.result = SocketResult()

    def start(self) -> None:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()

    def stop(self) -> SocketResult:
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(TIMEOUT_SECONDS + 1)
        return self.result

    def _run(self) -> None:
        options = users.websocket_options(self._url)
        while not self._stop.is_set():
            try:
                connection = websocket.create_connection(
                    self._url, timeout=TIMEOUT_SECONDS, sslopt=options, http_no_proxy=["*"]
                )
            except (OSError, websocket.WebSocketException) as error:
                self._refused(error)
                self._stop.wait(TALK_SECONDS)
                continue
            with self._lock:
                self._counting = True
                self.result.connections += 1
            self._talk(connection)

    def _talk(self, connection: websocket.WebSocket) -> None:
        until = time.monotonic() + LIFE_SECONDS
        try:
            while time.monotonic() < until and not self._stop.is_set():
                connection.send("infra-release")
                connection.recv()
                with self._lock:
                    self.result.messages += 1
                self._stop.wait(TALK_SECONDS)
            connection.close()
        except (OSError, websocket.WebSocketException) as error:
            with self._lock:
                self.result.cuts.append(round(self._now(), 1))
            self._note(error)
            connection.shutdown()  # type: ignore[no-untyped-call]

    def _refused(self, error: Exception) -> None:
        if self._counting:
            with self._lock:
                self.result.refused += 1
            self._note(error)

    def _note(self, error: Exception) -> None:
        with self._lock:
            if len(self.result.errors) < KEPT_ERRORS:
                self.result.errors.append(f"{self._now():.1f} s: {type(error).__name__}: {str(error)[:80]}")

    def _now(self) -> float:
        return time.monotonic() - self._began
