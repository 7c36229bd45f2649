"""A scripted OpenStack in this process: a test says what each request is answered with, and reads what was asked."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from actions.openstack.client import OpenStack
from actions.openstack.credentials import Credentials

PROJECT, USER, PASSWORD = "tenant-1", "baker", "s3cret-api-password"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request."""

    method: str
    path: str  # with its query
    body: Any
    token: str
    content_type: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False  # the connection ends without an answer


Say = Callable[[Asked], Answer]


class Scripted:
    """`on("GET /compute/…", answer, …)`: one answer after the other, the last for ever; a function may answer, too."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers: dict[str, list[Answer | Say]] = {}
        self.tokens = 0
        self.url = ""

    def on(self, request: str, *answers: Answer | Say) -> None:
        self.answers[request] = list(answers)

    def reply(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        if asked.path.endswith("/tokens"):
            return self._token(asked)
        request = f"{asked.method} {asked.path.partition('?')[0]}"
        answers = self.answers.get(request) or [Answer(status=404, body={"itemNotFound": {"message": request}})]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer(asked) if callable(answer) else answer

    def _token(self, asked: Asked) -> Answer:
        if PASSWORD not in json.dumps(asked.body):
            return Answer(status=401, body={"error": {"message": "The request you have made requires authentication."}})
        self.tokens += 1
        places = {kind: f"{self.url}/{name}" for kind, name in SERVICES.items()}
        if asked.path.startswith("/identity/v2.0"):
            catalogue = [
                {"type": kind, "endpoints": [{"region": "KR1", "publicURL": url}]} for kind, url in places.items()
            ]
            token = {"id": f"token-{self.tokens}", "tenant": {"id": PROJECT}}
            return Answer(body={"access": {"token": token, "serviceCatalog": catalogue}})
        entries = [
            {"type": kind, "endpoints": [{"interface": "public", "region": "KR1", "url": url}]}
            for kind, url in places.items()
        ]
        body = {"token": {"project": {"id": PROJECT}, "catalog": entries}}
        return Answer(status=201, body=body, headers={"X-Subject-Token": f"token-{self.tokens}"})

    def requests(self, prefix: str) -> list[Asked]:
        return [asked for asked in self.asked if f"{asked.method} {asked.path}".startswith(prefix)]


SERVICES = {"compute": "compute", "image": "image/v2", "network": "network", "volumev2": "volume"}


@contextmanager
def serve() -> Iterator[Scripted]:
    scripted = Scripted()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # an answer goes out in one piece

        def _any(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            raw = self.rfile.read(length)
            asked = Asked(
                method=self.command,
                path=self.path,
                body=json.loads(raw) if raw else None,
                token=self.headers.get("X-Auth-Token", ""),
                content_type=self.headers.get("Content-Type", ""),
            )
            answer = scripted.reply(asked)
            if answer.cut:
                self.close_connection = True
                return
            payload = json.dumps(answer.body).encode() if answer.body is not None else b""
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    scripted.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield scripted
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def credentials(scripted: Scripted, version: str = "v2.0", **changed: str) -> Credentials:
    given = {
        "auth_url": f"{scripted.url}/identity/{version}",
        "region": "KR1",
        "user": USER,
        "password": PASSWORD,
        "tenant_id": PROJECT,
        "project_name": "",
        "user_domain": "Default",
        "project_domain": "Default",
    }
    return Credentials(**{**given, **changed})


def connect(scripted: Scripted, version: str = "v2.0", **changed: str) -> OpenStack:
    return OpenStack(credentials(scripted, version, **changed), backoff=0.0)


def environment(scripted: Scripted) -> dict[str, str]:
    """What an action is given."""
    return {
        "OS_AUTH_URL": f"{scripted.url}/identity/v2.0",
        "OS_REGION_NAME": "KR1",
        "OS_USERNAME": USER,
        "OS_TENANT_ID": PROJECT,
        "OS_PASSWORD": PASSWORD,
    }
