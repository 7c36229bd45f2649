"""Verification and probe against a real HTTP server that answers what the test tells it to."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from actions import verify
from actions.errors import Cancelled, ReleaseError
from actions.lifeline import Cancellation
from actions.probe import Probe
from actions.progress import Progress
from tests.waiting import until


class Server:
    """Answers with the next status of `script`, then repeats the last one."""

    def __init__(self) -> None:
        self.script: list[int] = [200]
        self.asked = 0
        self.cookies: list[str | None] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status = outer.script[min(outer.asked, len(outer.script) - 1)]
                outer.asked += 1
                outer.cookies.append(self.headers["Cookie"])
                self.send_response(status)
                self.send_header("Set-Cookie", "AWSALBAPP-0=this-host; Path=/")
                self.send_header("X-Version", f"v{status}")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/health/"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def ask(server: Server, seconds: float = 10, cancellation: Cancellation | None = None) -> verify.Passed:
    return verify.passes(server.url, 3, time.monotonic() + seconds, cancellation or Cancellation(), Progress())


@pytest.mark.parametrize(
    ("script", "asked"), [([200], 3), ([200, 200, 500, 200], 6), ([503, 200], 4), ([200, 301, 200], 5)]
)
def test_only_consecutive_good_answers_count(server: Server, script: list[int], asked: int) -> None:
    server.script = script
    assert ask(server).passes == 3
    assert server.asked == asked


def test_every_request_is_a_new_user_whom_no_cookie_keeps_on_one_host(server: Server) -> None:
    ask(server)
    assert server.cookies == [None, None, None]


@pytest.mark.parametrize("script", [[200], [503, 200], [503] * 8 + [200]])
def test_one_bad_round_is_forgiven(server: Server, script: list[int]) -> None:
    server.script = script
    verify.everywhere(server.url, Cancellation())


def test_a_host_that_answers_badly_is_met_in_both_rounds(server: Server) -> None:
    server.script = [200, 503] * 8
    with pytest.raises(ReleaseError, match="answered HTTP 503 to 4 of 8 requests"):
        verify.everywhere(server.url, Cancellation())


def test_answers_that_stay_bad_are_a_failure_with_the_last_one(server: Server) -> None:
    server.script = [500]
    with pytest.raises(ReleaseError, match="did not pass 3 times in a row; the last answer was HTTP 500"):
        ask(server, seconds=0.7)


def test_a_request_to_stop_ends_the_waiting(server: Server) -> None:
    server.script = [500]
    cancellation = Cancellation()
    threading.Timer(0.2, cancellation.ask, ["enough"]).start()
    with pytest.raises(Cancelled, match="enough"):
        ask(server, cancellation=cancellation)


def test_the_probe_counts_what_a_user_notices(server: Server) -> None:
    server.script = [200, 200, 503, 202]
    probe = Probe(server.url, serving=True)
    probe.start()
    until(lambda: server.asked >= 6, "six requests", 10)
    result = probe.stop()
    assert result.failures == 1 and result.requests >= 5  # the sixth may still be under way
    assert [seen.version for seen in result.versions] == ["v200", "v202"]
    assert result.errors[0].endswith("HTTP 503")
    assert result.longest_gap > 0.1  # longer than between two requests


def test_where_nothing_was_served_the_probe_counts_from_the_first_good_answer(server: Server) -> None:
    server.script = [503, 503, 200]
    probe = Probe(server.url, serving=False)
    probe.start()
    until(lambda: server.asked >= 5, "five requests", 10)
    assert probe.stop().failures == 0
