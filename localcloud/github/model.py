"""What the double remembers: repositories, their pull requests with comments, and who may do what."""

import subprocess
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

LONGEST_BODY = 65_536  # characters of a comment


@dataclass(frozen=True, kw_only=True)
class Token:
    """A token's user, and its rights as a workflow's `permissions:` name them: {"pull-requests": "write"}."""

    login: str
    permissions: Mapping[str, str]

    def may(self, scope: str, access: str) -> bool:
        granted = self.permissions.get(scope)
        return granted == "write" or granted == access


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """An answer that ends a request early."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.answer = Answer(status=status, body={"message": message, "status": str(status)})


@dataclass(kw_only=True)
class Comment:
    id: int
    login: str
    body: str
    url: str
    created_at: str
    updated_at: str

    def as_json(self) -> dict[str, Any]:
        kind = "Bot" if self.login.endswith("[bot]") else "User"
        return {
            "id": self.id,
            "body": self.body,
            "html_url": self.url,
            "user": {"login": self.login, "type": kind},
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }


@dataclass(kw_only=True)
class Pull:
    """A pull request from a branch to another."""

    number: int
    title: str
    body: str
    head: str
    base: str
    state: str = "open"

    def as_json(self, repository: str) -> dict[str, Any]:
        return {
            "number": self.number,
            "title": self.title,
            "body": self.body,
            "state": self.state,
            "html_url": f"https://github.com/{repository}/pull/{self.number}",
            "head": {"ref": self.head},
            "base": {"ref": self.base},
        }


@dataclass(kw_only=True)
class Repository:
    """A repository: its pull requests, and the git directory behind its branches and commits."""

    name: str
    git: Path | None = None
    pulls: dict[int, list[Comment]] = field(default_factory=dict)  # number → comments
    opened: dict[int, Pull] = field(default_factory=dict)  # those made through the API
    _next: int = 1

    def add_comment(self, pull: int, login: str, body: str) -> Comment:
        now = _now()
        comment = Comment(
            id=self._next,
            login=login,
            body=_checked(body),
            url=f"https://github.com/{self.name}/pull/{pull}#issuecomment-{self._next}",
            created_at=now,
            updated_at=now,
        )
        self._next += 1
        self.pulls[pull].append(comment)
        return comment

    def comment(self, number: int) -> Comment:
        for comments in self.pulls.values():
            for comment in comments:
                if comment.id == number:
                    return comment
        raise Refusal(404, "Not Found")

    def edit(self, comment: Comment, body: str) -> None:
        comment.body = _checked(body)
        comment.updated_at = _now()

    def commit(self, name: str) -> str:
        """The full commit a branch or an abbreviation names."""
        answer = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        if answer is None:
            raise Refusal(404, "Not Found")
        return answer.strip()

    def compare(self, base: str, head: str) -> dict[str, Any]:
        """How head stands to base, and the files that differ since they parted, at most 300."""
        base, head = self.commit(base), self.commit(head)
        fork = (self._run("merge-base", base, head) or "").strip()
        if not fork:
            raise Refusal(404, "No common ancestor")
        if base == head:
            status = "identical"
        elif fork == base:
            status = "ahead"
        elif fork == head:
            status = "behind"
        else:
            status = "diverged"
        names = (self._run("diff", "--name-only", "--no-renames", "-z", fork, head) or "").split("\0")
        return {"status": status, "files": [{"filename": name} for name in names if name][:300]}

    def _run(self, *arguments: str) -> str | None:
        if self.git is None:
            raise Refusal(404, "Not Found")
        command = ["git", "-C", str(self.git), *arguments]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        return answer.stdout if answer.returncode == 0 else None


@dataclass(kw_only=True)
class World:
    """Everything the double knows. `faults` are answered, in order, before anything else, one to each request."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    faults: deque[Answer] = field(default_factory=deque)
    faults_of: dict[str, list[Answer]] = field(default_factory=dict)  # the same for requests of one method
    lost: set[str] = field(default_factory=set)  # methods whose next answer gets lost after the work was done
    requests: list[tuple[str, str]] = field(default_factory=list)  # method and path of each request that arrived


def _checked(body: str) -> str:
    if not body:
        raise Refusal(422, "Validation Failed: body cannot be blank")
    if len(body) > LONGEST_BODY:
        raise Refusal(422, f"Validation Failed: body is too long (maximum is {LONGEST_BODY} characters)")
    return body


def _now() -> str:
    return datetime.now(tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
