"""The few calls of GitHub's REST API these commands make."""

import os
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from ops.errors import OpsError

REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
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


class Refused(OpsError):
    """An answer other than success, with its status."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class GitHub:
    """One repository, seen with one token."""

    def __init__(self, *, api_url: str, repository: str, token: str, backoff: float = 1.0) -> None:
        if not REPOSITORY.fullmatch(repository):
            raise OpsError(f"{repository!r} is not a repository: it has the form owner/name")
        self._base = f"{api_url.rstrip('/')}/repos/{repository}"
        self._session = requests.Session()
        self._session.headers.update(
            {
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {token}",
                "X-GitHub-Api-Version": "2022-11-28",
            }
        )
        retry = GitHubRetry(
            total=5,
            backoff_factor=backoff,
            status_forcelist=OVERLOADED,
            allowed_methods=frozenset({"GET", "PATCH"}),
            raise_on_status=False,
            retry_after_max=LONGEST_WAIT,
        )
        self._session.mount("http://", HTTPAdapter(max_retries=retry))
        self._session.mount("https://", HTTPAdapter(max_retries=retry))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "GitHub":
        """The repository and token a workflow's step is given; OpsError names the variable that is missing."""
        for name in ("GITHUB_REPOSITORY", "GITHUB_TOKEN"):
            if not environment.get(name):
                raise OpsError(f"{name} is not set: in a workflow it comes from the step's `env:`")
        return cls(
            api_url=environment.get("GITHUB_API_URL", "https://api.github.com"),
            repository=environment["GITHUB_REPOSITORY"],
            token=environment["GITHUB_TOKEN"],
        )

    def comments(self, pull_request: int) -> Iterator[dict[str, Any]]:
        """Every comment of a pull request, page by page, oldest first."""
        url: str | None = f"{self._base}/issues/{pull_request}/comments?per_page=100"
        while url is not None:
            response = self._call("GET", url)
            yield from response.json()
            url = response.links.get("next", {}).get("url")

    def create_comment(self, pull_request: int, body: str) -> dict[str, Any]:
        answer: dict[str, Any] = self._call(
            "POST", f"{self._base}/issues/{pull_request}/comments", {"body": body}
        ).json()
        return answer

    def update_comment(self, comment: int, body: str) -> dict[str, Any]:
        answer: dict[str, Any] = self._call("PATCH", f"{self._base}/issues/comments/{comment}", {"body": body}).json()
        return answer

    def branch_head(self, branch: str) -> str:
        """The commit a branch points at now."""
        return str(self._call("GET", f"{self._base}/git/ref/heads/{branch}").json()["object"]["sha"])

    def compare(self, base: str, head: str) -> tuple[str, list[str] | None]:
        """How `head` stands to `base` (ahead, behind, identical, diverged), and which files differ.

        None in place of the files: more than the API lists.
        """
        content = self._call("GET", f"{self._base}/compare/{base}...{head}").json()
        files = content.get("files", [])
        names = [name for file in files for name in (file["filename"], file.get("previous_filename")) if name]
        return str(content["status"]), names if len(files) < 300 else None

    def _call(self, method: str, url: str, body: dict[str, Any] | None = None) -> requests.Response:
        try:
            response = self._session.request(method, url, json=body, timeout=TIMEOUT)
        except requests.exceptions.RequestException as error:
            raise Refused(0, f"GitHub cannot be reached for {method} {url}: {error}") from error
        if response.ok:
            return response
        raise Refused(
            response.status_code, f"GitHub refused {method} {url} with {response.status_code}: {_explain(response)}"
        )


def _explain(response: requests.Response) -> str:
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
        403: "the token lacks the right: comments need `pull-requests: write`",
        404: "no such thing, or the token may not see it",
    }.get(response.status_code)
    return f"{message} ({advice})" if advice else message
