"""An independent user: steady requests through the balancer, counted without the project's own probe."""

import http.client
import ssl
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Count:
    """Answers by status or error, and by version."""

    answers: Counter[str] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def total(self) -> int:
        return sum(self.answers.values())

    @property
    def failed(self) -> int:
        return self.total - self.answers["200"]

    @property
    def rate(self) -> float:
        return self.total / self.seconds


class Load:
    """`with Load(url) as count:` sends `rate` requests per second, bounded in number, until the block ends."""

    def __init__(
        self, url: str, rate: int = 60, workers: int = 6, limit: int = 30_000, authorities: str | None = None
    ) -> None:
        """`authorities`: the file of those who may sign the certificate of an https URL."""
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port
        self._tls = ssl.create_default_context(cafile=authorities) if parts.scheme == "https" else None
        self._path = f"{parts.path or '/'}?{parts.query}"
        self._pause, self._limit = workers / rate, limit // workers
        self._stop, self._guard = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]
        self.count = Count()

    def __enter__(self) -> Count:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self.count

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(15)
        self.count.seconds = time.monotonic() - self._began

    def _work(self) -> None:
        for _ in range(self._limit):
            if self._stop.is_set():
                return
            due = time.monotonic() + self._pause
            status, version = self._ask()
            with self._guard:
                self.count.answers[status] += 1
                if version:
                    self.count.versions[version] += 1
            self._stop.wait(max(0.0, due - time.monotonic()))

    def _connection(self) -> http.client.HTTPConnection:
        if self._tls:
            return http.client.HTTPSConnection(self._host, self._port, timeout=10, context=self._tls)
        return http.client.HTTPConnection(self._host, self._port, timeout=10)

    def _ask(self) -> tuple[str, str]:
        connection = self._connection()
        try:
            connection.request("GET", self._path)
            answer = connection.getresponse()
            answer.read()
            return str(answer.status), answer.headers.get("X-Version", "")
        except (OSError, http.client.HTTPException) as error:
            return type(error).__name__, ""
        finally:
            connection.close()
