"""A small web server with answers that tests choose."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

Answer = tuple[int, bytes]


class HttpFiles:
    """Answers GET by path: what `files` holds, after what `first` holds once; 404 otherwise."""

    def __init__(self) -> None:
        self.files: dict[str, bytes | Callable[[], Answer]] = {}
        self.first: dict[str, list[Answer]] = {}
        self.asked: list[str] = []
        self.cut: dict[str, int] = {}  # so many answers break off in the middle
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = outer.answer(self.path)
                self.send_response(status)
                self.send_header("Content-Type", "text/html" if self.path.endswith("/") else "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if outer.cut.get(self.path, 0):
                    outer.cut[self.path] -= 1
                    body = body[: len(body) // 2]
                    self.close_connection = True
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def answer(self, path: str) -> Answer:
        self.asked.append(path)
        if self.first.get(path):
            return self.first[path].pop(0)
        found = self.files.get(path)
        if found is None:
            return 404, b"no such file"
        return found() if callable(found) else (200, found)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
