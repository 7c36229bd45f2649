"""The few calls of GitHub's REST API these commands make."""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

import requests

from actions import github
from ops.errors import OpsError

REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")


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
        self._base = f"/repos/{repository}"
        self._rest = github.Rest(
            api_url=api_url, token=token, right="comments need `pull-requests: write`", backoff=backoff
        )

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
            return self._rest.call(method, url, body)
        except github.Refused as refused:
            raise Refused(refused.status, str(refused)) from refused
