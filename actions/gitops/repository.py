"""The repository of the values files, through GitHub's API: files with their blob's sha, and commits that state it."""

import base64
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from actions.errors import ReleaseError
from actions.github import Refused, Rest


class Conflict(Exception):
    """Somebody else's commit came first: read again, apply again."""


class Unknown(Exception):
    """Whether the commit was made is not known: the answer got lost."""


@dataclass(frozen=True, kw_only=True)
class File:
    """A file of a branch as text, byte for byte, and the sha of its blob."""

    path: str
    text: str
    sha: str


class Repository:
    """One repository seen with one token."""

    def __init__(self, rest: Rest, name: str) -> None:
        self.rest, self.name = rest, name
        self._base = f"/repos/{name}"

    def file(self, path: str, ref: str) -> File:
        """`ReleaseError` names repository, branch and file when one of them is not there."""
        try:
            answer = self.rest.call("GET", f"{self._base}/contents/{quote(path)}?ref={quote(ref, safe='')}").json()
        except Refused as refused:
            if refused.status == 404:
                raise ReleaseError(
                    f"{self.name} has no file {path} on {ref}, or the token may not see the repository: {refused}"
                ) from refused
            raise
        if not isinstance(answer, dict) or answer.get("encoding") != "base64":
            raise ReleaseError(f"{path} in {self.name} is no file of less than 1 MB")
        content = base64.b64decode(answer["content"])
        try:
            return File(path=path, text=content.decode(), sha=answer["sha"])
        except UnicodeDecodeError as error:
            raise ReleaseError(f"{path} in {self.name} is not UTF-8: {error}") from error

    def put(self, branch: str, file: File, text: str, message: str) -> str:
        """The commit that changes one file; `Conflict` when the file is no longer the one that was read."""
        body = {
            "message": message,
            "content": base64.b64encode(text.encode()).decode(),
            "sha": file.sha,
            "branch": branch,
        }
        answer = self._write("PUT", f"{self._base}/contents/{quote(file.path)}", body)
        return str(answer["commit"]["sha"])

    def head(self, branch: str) -> str:
        try:
            return str(self.rest.call("GET", f"{self._base}/git/ref/heads/{quote(branch)}").json()["object"]["sha"])
        except Refused as refused:
            if refused.status == 404:
                raise ReleaseError(f"{self.name} has no branch {branch}, or the token may not see it") from refused
            raise

    def commit_files(self, branch: str, head: str, texts: dict[str, str], message: str) -> str:
        """One commit on top of `head` that changes several files; `Conflict` when the branch has moved on."""
        base = self.rest.call("GET", f"{self._base}/git/commits/{head}").json()["tree"]["sha"]
        entries = [
            {"path": path, "mode": "100644", "type": "blob", "content": text} for path, text in sorted(texts.items())
        ]
        tree = self._write("POST", f"{self._base}/git/trees", {"base_tree": base, "tree": entries})["sha"]
        commit = self._write(
            "POST", f"{self._base}/git/commits", {"message": message, "tree": tree, "parents": [head]}
        )["sha"]
        self._write("PATCH", f"{self._base}/git/refs/heads/{quote(branch)}", {"sha": commit, "force": False})
        return str(commit)

    def start_branch(self, branch: str, at: str) -> None:
        """A branch that begins there, also when one of an earlier proposal is left."""
        try:
            self.rest.call("POST", f"{self._base}/git/refs", {"ref": f"refs/heads/{branch}", "sha": at})
        except Refused as refused:
            if refused.status != 422 or "already exists" not in str(refused):
                raise
            self.rest.call("PATCH", f"{self._base}/git/refs/heads/{quote(branch)}", {"sha": at, "force": True})

    def last_commit(self, branch: str, path: str) -> str:
        """The newest commit of the branch that changed the file."""
        url = f"{self._base}/commits?sha={quote(branch, safe='')}&path={quote(path, safe='')}&per_page=1"
        commits = self.rest.call("GET", url).json()
        if not commits:
            raise ReleaseError(f"no commit of {branch} in {self.name} touches {path}")
        return str(commits[0]["sha"])

    def standing(self, base: str, head: str) -> str | None:
        """`head` against `base`: ahead, behind, identical, diverged; None when one of them is not there."""
        try:
            return str(self.rest.call("GET", f"{self._base}/compare/{base}...{head}").json()["status"])
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    def open_pull(self, branch: str) -> dict[str, Any] | None:
        """The open pull request from the branch."""
        owner = self.name.partition("/")[0]
        url = f"{self._base}/pulls?state=open&head={quote(f'{owner}:{branch}', safe='')}"
        found = self.rest.call("GET", url).json()
        return found[0] if found else None

    def open_new_pull(self, branch: str, base: str, title: str, body: str) -> dict[str, Any]:
        content = {"title": title, "head": branch, "base": base, "body": body}
        answer: dict[str, Any] = self.rest.call("POST", f"{self._base}/pulls", content).json()
        return answer

    def _write(self, method: str, url: str, body: dict[str, Any]) -> Any:
        try:
            return self.rest.call(method, url, body).json()
        except Refused as refused:
            if refused.status in (409, 422):
                raise Conflict(str(refused)) from refused
            if refused.status == 0 or refused.status >= 500:
                raise Unknown(str(refused)) from refused
            raise
