"""Real small HTTP servers on loopback addresses: the targets of the balancer's tests, and the load on it."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.waiting import until


class WebServer:
    """A target that answers with its name; `status` and `hang` change what its health checks see."""

    def __init__(self, address: str, port: int, name: str) -> None:
        self.address, self.port, self.name = address, port, name
        self.status = 200
        self.hang = threading.Event()
        self.hang.set()
        self.served: Counter[str] = Counter()
        self.headers: dict[str, str] = {}  # of the last request, names in lower case
        self.check_headers: dict[str, str] = {}  # of the last health check
        self._server = ThreadingHTTPServer((address, port), self._handler(), bind_and_activate=False)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a checker that hangs up is no news
        self._server.server_bind()
        self._server.server_activate()
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def target(self) -> dict[str, Any]:
        return {"Id": self.address, "Port": self.port}

    def close(self) -> None:
        """Refuse connections from now on; requests in flight go on."""
        self._server.shutdown()
        self._server.server_close()

    def _handler(server: "WebServer") -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self.headers.get("User-Agent", "").startswith("ELB-HealthChecker"):
                    server.served["checks"] += 1
                    server.check_headers = {name.lower(): value for name, value in self.headers.items()}
                    server.hang.wait(30)
                    self._answer(server.status, b"")
                    return
                server.served["requests"] += 1
                server.headers = {name.lower(): value for name, value in self.headers.items()}
                if self.path.startswith("/slow/"):
                    time.sleep(float(self.path.rpartition("/")[2]))
                if self.headers.get("Upgrade") == "echo":
                    self._echo()
                    return
                self._answer(200, server.name.encode())

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Set-Cookie", f"session={server.name}")
                self.end_headers()
                self.wfile.write(body)

            def _echo(self) -> None:
                """A WebSocket in miniature: after the upgrade every line comes back."""
                self.send_response(101)
                self.send_header("Upgrade", "echo")
                self.send_header("Connection", "Upgrade")
                self.end_headers()
                self.close_connection = True
                while line := self.rfile.readline():
                    self.wfile.write(b"echo " + line)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


class Load:
    """Requests at a steady rate from a thread; each on a connection of its own, or all on a kept one."""

    def __init__(self, host: str, rate: float, keep_alive: bool = False) -> None:
        self.answers: Counter[str] = Counter()
        self._host, self._rate, self._keep_alive = host, rate, keep_alive
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(10)

    def _run(self) -> None:
        connection = http.client.HTTPConnection(self._host, timeout=10)
        due = time.monotonic()
        while not self._end.wait(max(0.0, due - time.monotonic())):
            due += 1 / self._rate
            try:
                connection.request("GET", "/")
                answer = connection.getresponse()
                answer.read()
                self.answers[str(answer.status)] += 1
            except (OSError, http.client.HTTPException) as error:
                self.answers[type(error).__name__] += 1
                connection.close()
            if not self._keep_alive:
                connection.close()
        connection.close()


def wait_for(condition: Callable[[], Any], seconds: float, what: str, shown: Callable[[], Any] = str) -> Any:
    """`until` with its arguments in the order of this directory's tests."""
    return until(condition, what, seconds, shown)
