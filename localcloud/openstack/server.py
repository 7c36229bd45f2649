"""The HTTP side: every service behind its prefix, authentication, faults, and the mirror of what servers install."""

import json
import re
import sys
import threading
import traceback
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from localcloud.openstack import actions, flavors, identity, images, life, networks, ports, security, servers, volumes
from localcloud.openstack.cloud import Cloud
from localcloud.openstack.faults import unauthorized
from localcloud.openstack.forwarding import Forwarding
from localcloud.openstack.model import Answer, Handler, Refusal, Request, nova
from localcloud.openstack.world import PROJECT
from localcloud.web import Call, Reply

Routes = tuple[tuple[str, re.Pattern[str], Handler], ...]
COMPUTE: Routes = (*flavors.ROUTES, *servers.ROUTES, *actions.ROUTES)
SERVICES: tuple[tuple[re.Pattern[str], Routes], ...] = (
    (re.compile(r"/identity(/.*)?"), identity.ROUTES),
    (re.compile(rf"/compute/v2(?:\.1)?/{PROJECT}(/.*)"), COMPUTE),
    (re.compile(r"/image(/.*)"), images.ROUTES),
    (re.compile(r"/network(/.*)"), (*security.ROUTES, *ports.ROUTES, *networks.ROUTES)),
    (re.compile(rf"/volume/v[23]/{PROJECT}(/.*)"), volumes.ROUTES),
)
WATCH_SECONDS = 0.2


class Front:
    """Answers what arrives, for one cloud."""

    def __init__(self, cloud: Cloud, mirror: Path) -> None:
        self._cloud = cloud
        self._mirror = mirror

    def handle(self, call: Call) -> Reply | None:
        """The reply; None when it gets lost on its way."""
        path = urlsplit(call.path).path
        if path == "/health":
            return Reply(status=200, body=b"ok")
        if path.startswith("/mirror/"):
            return self._file(path.removeprefix("/mirror/"))
        try:
            body = json.loads(call.body) if call.body else None
        except ValueError:
            return _reply(nova(400, "The request body is no JSON.").answer)
        if path in ("/faults", "/latencies", "/quotas"):
            return _reply(self._control(path, call.method, body))
        self._cloud.wait(self._cloud.faults.seconds("request"))
        refused = self._cloud.faults.refusal(call.method, path)
        if refused:
            return _reply(refused)
        answer = self._answer(call, body)
        if call.method != "GET":
            self._cloud.world.save()
        lost = self._cloud.faults.take("lost-answer", method=call.method, path=path)
        return None if lost else _reply(answer)

    def _control(self, path: str, method: str, body: Any) -> Answer:
        try:
            if path == "/faults":
                return self._cloud.faults.control_faults(method, body)
            if path == "/latencies":
                return self._cloud.faults.control_latencies(method, body)
            return self._cloud.world.control_quotas(method, body)
        except Refusal as refusal:
            return refusal.answer

    def _answer(self, call: Call, body: Any) -> Answer:
        url = urlsplit(call.path)
        for prefix, routes in SERVICES:
            match = prefix.fullmatch(url.path)
            if match:
                inner = (match[1] or "") + (f"?{url.query}" if url.query else "")
                address = f"http://{call.headers.get('Host', '')}"
                request = Request(cloud=self._cloud, method=call.method, url=inner, body=body, address=address)
                try:
                    return self._served(request, routes, call.headers.get("X-Auth-Token", ""))
                except Refusal as refusal:
                    return refusal.answer
                except (AttributeError, KeyError, TypeError, ValueError) as error:  # what it says makes no sense
                    traceback.print_exc(file=sys.stderr)
                    return nova(400, f"The request cannot be understood: {error!r}").answer
        return nova(404, "The resource could not be found.").answer

    def _served(self, request: Request, routes: Routes, token: str) -> Answer:
        path = unquote(urlsplit(request.url).path)
        with self._cloud.world.lock:
            if routes is not identity.ROUTES:
                if self._cloud.faults.take("token-expires", method=request.method, path=path):
                    identity.expire_all(request)
                if identity.token_of(request, token) is None:
                    return unauthorized()
            for method, pattern, handler in routes:
                match = pattern.fullmatch(path.rstrip("/") or "/")
                if method == request.method and match:
                    return handler(request, *match.groups())
        return nova(404, f"The local cloud does not know {request.method} {path}.").answer

    def _file(self, name: str) -> Reply:
        place = (self._mirror / unquote(name)).resolve()
        if not place.is_relative_to(self._mirror.resolve()) or not place.is_file():
            return Reply(status=404, body=b"not in the mirror")
        return Reply(status=200, body=place.read_bytes(), headers={"Content-Type": "application/octet-stream"})


class Watch:
    """Looks at the computers again and again: who was switched off, and which ways are open."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._forwarding = Forwarding(cloud)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join(5)
        self._forwarding.close()

    def _run(self) -> None:
        while not self._done.wait(WATCH_SECONDS):
            try:
                self._look()
            except Exception:  # the engine is busy or gone: the next look may be better
                traceback.print_exc(file=sys.stderr)

    def _look(self) -> None:
        # Only those that were active before the look: another may have been started since.
        active = {server["id"] for server in self._cloud.world.listed("servers") if server["status"] == "ACTIVE"}
        running = self._cloud.computers.running() if active else {}
        life.notice(self._cloud, active - set(running))
        self._forwarding.follow(running)


def _reply(answer: Answer) -> Reply:
    headers = {"Content-Type": "application/json", **answer.headers}
    body = b"" if answer.body is None else json.dumps(answer.body).encode()
    return Reply(status=answer.status, body=body, headers=headers)
