"""The edge of the local cloud's CloudFront: a loopback address per distribution, and a cache that invalidations empty.

MiniStack answers a viewer's request from the origin each time; here an answer stays until it is invalidated or its
time is over, so that a release that forgets to invalidate shows the old site, as it would at the edge.
"""

import http.client
import itertools
import logging
import threading
import time
from dataclasses import dataclass
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from ministack.services import cloudfront

VIEWER_PORT = 8088
DEFAULT_SECONDS = 86400.0  # CloudFront's
LABEL = "x"  # before the id in the Host header that leads MiniStack to a distribution
log = logging.getLogger("localcloud.cloudfront")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    until: float


class Edge:
    """One distribution's address and cache."""

    def __init__(self, address: str, port: int) -> None:
        self.domain = f"{address}:{VIEWER_PORT}"
        self.distribution = ""
        self._cloud_port = port
        self._kept: dict[str, Answer] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer((address, VIEWER_PORT), self._handler())
        threading.Thread(target=self._server.serve_forever, name=f"edge {address}", daemon=True).start()

    def invalidate(self, patterns: list[str]) -> None:
        with self._lock:
            self._kept = {
                path: answer
                for path, answer in self._kept.items()
                if not any(fnmatchcase(urlsplit(path).path, pattern) for pattern in patterns)
            }

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str) -> tuple[Answer, bool]:
        """The answer, and whether it came from the cache."""
        with self._lock:
            kept = self._kept.get(path)
        if kept is not None and kept.until > time.monotonic():
            return kept, True
        fresh = self._fetch(method, path)
        if method == "GET" and fresh.status == http.HTTPStatus.OK:
            with self._lock:
                self._kept[path] = fresh
        return fresh, False

    def _fetch(self, method: str, path: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self._cloud_port, timeout=30)
        try:
            connection.request(method, path, headers={"Host": f"{LABEL}{self.distribution.lower()}.cloudfront.net"})
            found = connection.getresponse()
            headers = tuple((name, value) for name, value in found.getheaders() if name.lower() in _SHOWN)
            seconds = _seconds(found.headers.get("cache-control", ""))
            return Answer(found.status, headers, found.read(), time.monotonic() + seconds)
        finally:
            connection.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        edge = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                answer, hit = edge.answer(self.command, self.path)
                self.send_response(answer.status)
                for name, value in answer.headers:
                    self.send_header(name, value)
                self.send_header("X-Cache", "Hit from cloudfront" if hit else "Miss from cloudfront")
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.body)

            do_HEAD = do_GET

            def log_message(self, format: str, *args: Any) -> None:
                log.debug(format, *args)

        return Handler


_SHOWN = ("content-type", "etag", "last-modified", "cache-control", "x-amz-version-id", "location")


def _seconds(cache_control: str) -> float:
    for part in cache_control.replace(" ", "").split(","):
        if part in ("no-cache", "no-store", "private"):
            return 0.0
        if part.startswith(("s-maxage=", "max-age=")):
            return float(part.partition("=")[2])
    return DEFAULT_SECONDS


class Edges:
    """The edges of all distributions: made and ended with them."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._numbers = itertools.count(1)
        self._free: Edge | None = None
        self._edges: dict[str, Edge] = {}

    def new_domain(self) -> str:
        edge = Edge(f"127.{self._port >> 8}.{self._port & 255}.{next(self._numbers)}", self._port)
        self._free = edge
        return edge.domain

    def create(self, original: Any) -> Any:
        def create(headers: Any, body: bytes) -> Any:
            self._free = None
            answer = original(headers, body)
            if self._free is not None:
                made = next(one for one in cloudfront._distributions.values() if one["DomainName"] == self._free.domain)
                self._free.distribution = made["Id"]
                self._edges[made["Id"]] = self._free
            return answer

        return create

    def delete(self, original: Any) -> Any:
        def delete(distribution: str, headers: Any) -> Any:
            answer = original(distribution, headers)
            if distribution not in cloudfront._distributions and distribution in self._edges:
                self._edges.pop(distribution).close()
            return answer

        return delete

    def invalidate(self, original: Any) -> Any:
        def invalidate(distribution: str, body: bytes) -> Any:
            answer = original(distribution, body)
            edge = self._edges.get(distribution)
            if edge is not None and answer[0] < 300:
                edge.invalidate(cloudfront._invalidations[distribution][-1]["InvalidationBatch"]["Paths"]["Items"])
            return answer

        return invalidate


def _find(label: str) -> Any:
    """The distribution an edge asks for by its id."""
    return next((one for key, one in cloudfront._distributions.items() if f"{LABEL}{key.lower()}" == label), None)


def install(port: int) -> Edges:
    """Put addresses and caches in place."""
    edges = Edges(port)
    cloudfront._new_distribution_domain = edges.new_domain
    cloudfront.find_distribution_for_label = _find
    cloudfront._create_distribution = edges.create(cloudfront._create_distribution)
    cloudfront._delete_distribution = edges.delete(cloudfront._delete_distribution)
    cloudfront._create_invalidation = edges.invalidate(cloudfront._create_invalidation)
    return edges
