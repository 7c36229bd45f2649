"""GitHub's REST API over one session: what may be repeated is repeated, a refusal is one sentence."""

import time
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

TIMEOUT = (10, 30)  # seconds to connect, and between two bytes
LONGEST_WAIT = 60  # seconds before asking again, whatever a rate limit says: five times stay below a job's time limit
OVERLOADED = frozenset({500, 502, 503, 504})


class GitHubRetry(Retry):
    """Tries again what was not done: reads and edits after a server error, anything that a rate limit refused."""

    RETRY_AFTER_STATUS_CODES = frozenset({403, 429, 503})

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
        if has_retry_after and status_code in {403, 429}:
            return bool(self.total and self.respect_retry_after_header)
        return super().is_retry(method, status_code, has_retry_after)


class Refused(Exception):
    """An answer other than success, with its status; 0 when there was none."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Rest:
    """Requests as one token's owner; `calls` counts what was asked, repetitions of the same question aside."""

    def __init__(self, *, api_url: str, token: str, right: str, graphql_url: str = "", backoff: float = 1.0) -> None:
        """`right` is named when the token lacks it, such as "comments need `pull-requests: write`"."""
        self.calls = 0
        self.url = api_url.rstrip("/")
        self._graphql = graphql_url or f"{self.url.removesuffix('/v3')}/graphql"
        self._right = right
        self._session = requests.Session()
        self._session.headers.update(
            {
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {token}",
                "X-GitHub-Api-Version": "2022-11-28",
            }
        )
        for prefix, methods in (
            ("http://", {"GET", "PATCH"}),
            ("https://", {"GET", "PATCH"}),
            (self._graphql, {"POST"}),  # only questions are asked there
        ):
            self._session.mount(prefix, HTTPAdapter(max_retries=_retry(methods, backoff)))

    def call(self, method: str, url: str, body: dict[str, Any] | None = None) -> requests.Response:
        """The answer to a request for a path below the API's address, or for a whole address; raises `Refused`."""
        self.calls += 1
        url = url if "://" in url else f"{self.url}{url}"
        try:
            response = self._session.request(method, url, json=body, timeout=TIMEOUT)
        except requests.exceptions.RequestException as error:
            raise Refused(0, f"GitHub cannot be reached for {method} {url}: {error}") from error
        if response.ok:
            return response
        raise Refused(
            response.status_code,
            f"GitHub refused {method} {url} with {response.status_code}: {self._explain(response)}",
        )

    def query(self, text: str) -> dict[str, Any]:
        """The `data` of a GraphQL question; what is not there is None in it."""
        answer = self.call("POST", self._graphql, {"query": text}).json()
        if answer.get("data") is None:
            raise Refused(0, f"GitHub does not answer: {answer.get('errors')}")
        data: dict[str, Any] = answer["data"]
        return data

    def _explain(self, response: requests.Response) -> str:
        """GitHub's own message, and what to do about it where that is known."""
        try:
            message = str(response.json().get("message", ""))
        except (ValueError, AttributeError):
            message = response.text[:200]
        if response.headers.get("x-ratelimit-remaining") == "0":
            reset = int(response.headers.get("x-ratelimit-reset", "0"))
            return f"{message} (the rate limit ends in {max(0, reset - int(time.time()))} s)"
        advice = {
            401: "the token is missing, wrong or expired",
            403: f"the token lacks the right: {self._right}",
            404: "no such thing, or the token may not see it",
        }.get(response.status_code)
        return f"{message} ({advice})" if advice else message


def _retry(methods: set[str], backoff: float) -> GitHubRetry:
    return GitHubRetry(
        total=5,
        backoff_factor=backoff,
        status_forcelist=OVERLOADED,
        allowed_methods=frozenset(methods),
        raise_on_status=False,
        retry_after_max=LONGEST_WAIT,
    )
