"""The HTTP side of the double: routes, authentication, pages, rate limits.

with GitHubServer(world) as server: … server.url …
"""

import json
import re
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from localcloud.github import writing
from localcloud.github.model import Answer, Refusal, Repository, Token, World
from localcloud.web import Call, LoopbackServer, Reply

PULLS = "pull-requests"
CONTENTS = "contents"


class Request:
    """One request with what its route needs."""

    def __init__(self, *, world: World, repository: Repository, token: Token, url: str, body: dict[str, Any]) -> None:
        self.world, self.repository, self.token, self.body = world, repository, token, body
        self._url = urlsplit(url)

    def query(self, name: str, default: str) -> str:
        return parse_qs(self._url.query).get(name, [default])[0]

    def page(self, items: list[Any]) -> Answer:
        """The part of a list that `page` and `per_page` ask for, with a Link header to the next one."""
        size = min(int(self.query("per_page", "30")), 100)
        number = int(self.query("page", "1"))
        links = []
        if number * size < len(items):
            base = f"{self._url.scheme}://{self._url.netloc}{self._url.path}?per_page={size}"
            last = -(-len(items) // size)
            links = [f'<{base}&page={number + 1}>; rel="next"', f'<{base}&page={last}>; rel="last"']
        headers = {"Link": ", ".join(links)} if links else {}
        return Answer(status=200, body=items[(number - 1) * size : number * size], headers=headers)

    def comments_of(self, pull: str) -> list[Any]:
        if int(pull) not in self.repository.pulls:
            raise Refusal(404, "Not Found")
        return self.repository.pulls[int(pull)]


def list_comments(request: Request, pull: str) -> Answer:
    return request.page([comment.as_json() for comment in request.comments_of(pull)])


def create_comment(request: Request, pull: str) -> Answer:
    request.comments_of(pull)
    comment = request.repository.add_comment(int(pull), request.token.login, request.body.get("body", ""))
    return Answer(status=201, body=comment.as_json())


def update_comment(request: Request, number: str) -> Answer:
    comment = request.repository.comment(int(number))
    request.repository.edit(comment, request.body.get("body", ""))
    return Answer(status=200, body=comment.as_json())


def get_ref(request: Request, branch: str) -> Answer:
    commit = request.repository.commit(f"refs/heads/{branch}")
    return Answer(status=200, body={"ref": f"refs/heads/{branch}", "object": {"type": "commit", "sha": commit}})


def compare(request: Request, base: str, head: str) -> Answer:
    return Answer(status=200, body=request.repository.compare(base, head))


# Method, path below /repos/<owner>/<name>, what the token needs, handler.
ROUTES: tuple[tuple[str, re.Pattern[str], str, str, Callable[..., Answer]], ...] = (
    ("GET", re.compile(r"/issues/(\d+)/comments"), PULLS, "read", list_comments),
    ("POST", re.compile(r"/issues/(\d+)/comments"), PULLS, "write", create_comment),
    ("PATCH", re.compile(r"/issues/comments/(\d+)"), PULLS, "write", update_comment),
    ("GET", re.compile(r"/git/ref/heads/(.+)"), CONTENTS, "read", get_ref),
    ("GET", re.compile(r"/compare/([^/]+?)\.\.\.([^/]+)"), CONTENTS, "read", compare),
    *writing.ROUTES,
)
REPOSITORY = re.compile(r"/repos/([^/]+/[^/]+)(/.+)")


def answer(world: World, method: str, url: str, authorization: str, body: dict[str, Any]) -> Answer:
    """GitHub's answer to a request: its errors in its own order, then the route's result."""
    path = urlsplit(url).path
    world.requests.append((method, path))
    if world.faults:
        return world.faults.popleft()
    if world.faults_of.get(method):
        return world.faults_of[method].pop(0)
    try:
        token = world.tokens.get(authorization.removeprefix("Bearer ").removeprefix("token "))
        if token is None:
            raise Refusal(401, "Bad credentials" if authorization else "Requires authentication")
        if (method, path) == ("POST", "/graphql"):
            return Answer(status=200, body=writing.histories(world, token, str(body.get("query", ""))))
        found = REPOSITORY.fullmatch(path)
        repository = world.repositories.get(found[1]) if found else None
        if found is None or repository is None:
            raise Refusal(404, "Not Found")
        request = Request(world=world, repository=repository, token=token, url=url, body=body)
        for verb, pattern, scope, access, handler in ROUTES:
            match = pattern.fullmatch(found[2])
            if verb == method and match:
                if not token.may(scope, access):
                    raise Refusal(403, "Resource not accessible by integration")
                return handler(request, *match.groups())
        raise Refusal(404, "Not Found")
    except Refusal as refusal:
        return refusal.answer


class GitHubServer(LoopbackServer):
    """The double on a port of the loopback address, for the length of a `with`."""

    def __init__(self, world: World, port: int = 0) -> None:
        self.world = world
        self._lock = threading.Lock()
        super().__init__(self._handle, port)

    def _handle(self, call: Call) -> Reply | None:
        """The answer, or None when it is to get lost on its way."""
        with self._lock:
            body = json.loads(call.body) if call.body else {}
            made = answer(self.world, call.method, self.url + call.path, call.headers.get("Authorization", ""), body)
            if call.method in self.world.lost:
                self.world.lost.remove(call.method)
                return None
            headers = {"Content-Type": "application/json; charset=utf-8", **made.headers}
            return Reply(status=made.status, body=json.dumps(made.body).encode(), headers=headers)
