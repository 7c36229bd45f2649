"""Serve with Daphne, and end politely: `python serve.py`, SIGTERM.

Daphne alone drops what is in flight when it is told to end. Here it stops listening, sends WebSockets away with 1001
(their clients connect again, to another host), lets every request and upload finish, and then exits with 0.
"""

import os
import signal
import sys
import time
from typing import Any

from daphne.server import Server, twisted_loop  # first: it installs the reactor
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet import reactor

GOING_AWAY = 1001
LOOK_SECONDS = 0.1


class PoliteServer(Server):
    """Daphne's server, which finishes what it has begun within `STOP_SECONDS`."""

    connections: dict[Any, dict[str, Any]]

    def __init__(self, *args: Any, stop_seconds: float, **options: Any) -> None:
        super().__init__(*args, signal_handlers=False, **options)
        self._stop_seconds = stop_seconds
        self._ports: list[Any] = []
        self._deadline = 0.0
        self._idle_before = False

    def listen_success(self, port: Any) -> None:
        super().listen_success(port)
        self._ports.append(port)
        say(f"version {os.environ.get('VERSION', 'dev')} serves")

    def drain(self) -> None:
        """Take nothing new, finish the rest; a second signal changes nothing."""
        if self._deadline:
            return
        self._deadline = time.monotonic() + self._stop_seconds
        for port in self._ports:
            port.stopListening()
        for protocol in list(self.connections):
            if isinstance(protocol, WebSocketProtocol) and protocol.state == protocol.STATE_OPEN:
                # sendClose() refuses codes that only a server may use.
                protocol.sendCloseFrame(code=GOING_AWAY, reasonUtf8=b"going away")
        self._end_when_idle()

    def _end_when_idle(self) -> None:
        busy = sum("disconnected" not in details for details in self.connections.values())
        # Idle twice in a row: the last answer's bytes have left the process too.
        if (not busy and self._idle_before) or time.monotonic() > self._deadline:
            say(f"ends, {busy} unfinished" if busy else "ends")
            running = {name: details for name, details in self.connections.items() if "application_instance" in details}
            self.connections = running  # Daphne's own end expects an application in each
            self.stop()
            return
        self._idle_before = not busy
        reactor.callLater(LOOK_SECONDS, self._end_when_idle)


def say(text: str) -> None:
    """One line in the container's log."""
    print(f"teammoa: {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Serve until SIGTERM; 1 when the start fails."""
    mode = os.environ.get("MODE", "good")
    if mode == "crash":
        say("cannot start: migration 0042 is not applied")
        return 1
    if mode == "never-listens":
        say("waiting for a lock that nobody gives back")
        while True:
            signal.pause()
    from django.core.exceptions import ImproperlyConfigured

    try:
        from config.asgi import application
    except ImproperlyConfigured as error:
        say(f"cannot start: {error}")
        return 1
    port = os.environ.get("PORT", "8000")
    server = PoliteServer(
        application,
        endpoints=[f"tcp:port={port}:interface=0.0.0.0"],
        stop_seconds=float(os.environ.get("STOP_SECONDS", "30")),
        verbosity=0,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        twisted_loop.add_signal_handler(number, server.drain)
    server.run()
    return 1 if server.abort_start else 0


if __name__ == "__main__":
    sys.exit(main())
