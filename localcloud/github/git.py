"""A bare git repository written to as GitHub's servers do: blobs, trees, commits, and branches that move atomically."""

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

WHO = {
    "GIT_AUTHOR_NAME": "release",
    "GIT_AUTHOR_EMAIL": "release@example.com",
    "GIT_COMMITTER_NAME": "GitHub",
    "GIT_COMMITTER_EMAIL": "noreply@github.com",
}


class Git:
    """The plumbing of one bare repository."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @classmethod
    def create(
        cls, directory: Path, files: Mapping[str, bytes], branch: str = "main", date: int | None = None
    ) -> "Git":
        """A new repository with one commit."""
        subprocess.run(["git", "init", "--quiet", "--bare", f"--initial-branch={branch}", directory], check=True)
        git = cls(directory)
        tree = git.tree(None, {path: git.blob(content) for path, content in files.items()})
        git.move(branch, git.commit(tree, [], "The beginning", date), None)
        return git

    def run(self, *arguments: str, stdin: bytes = b"", **variables: str) -> bytes | None:
        """What git prints; None when it refuses."""
        environment = {**os.environ, **WHO, **variables}
        command = ["git", "-C", str(self.directory), *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, env=environment, check=False)
        return done.stdout if done.returncode == 0 else None

    def _sure(self, *arguments: str, stdin: bytes = b"", **variables: str) -> str:
        answer = self.run(*arguments, stdin=stdin, **variables)
        if answer is None:
            raise RuntimeError(f"git {' '.join(arguments)} failed in {self.directory}")
        return answer.decode().strip()

    def blob(self, content: bytes) -> str:
        return self._sure("hash-object", "-w", "--stdin", stdin=content)

    def tree(self, base: str | None, blobs: Mapping[str, str]) -> str:
        """A tree like `base` with these files."""
        with tempfile.TemporaryDirectory() as home:
            index = f"{home}/index"
            if base:
                self._sure("read-tree", base, GIT_INDEX_FILE=index)
            for path, blob in blobs.items():
                self._sure("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", GIT_INDEX_FILE=index)
            return self._sure("write-tree", GIT_INDEX_FILE=index)

    def commit(self, tree: str, parents: Sequence[str], message: str, date: int | None = None) -> str:
        """`date` in seconds since 1970, in place of now."""
        links = [word for parent in parents for word in ("-p", parent)]
        times = {f"GIT_{who}_DATE": f"{date} +0000" for who in ("AUTHOR", "COMMITTER")} if date else {}
        return self._sure("commit-tree", tree, *links, stdin=message.encode(), **times)

    def move(self, branch: str, commit: str, expected: str | None) -> bool:
        """Point the branch at a commit if it still is where it is expected to be (None: not there yet)."""
        return self.run("update-ref", f"refs/heads/{branch}", commit, expected or "0" * 40) is not None

    def content(self, commit: str, path: str) -> tuple[str, bytes] | None:
        """The blob's sha and the bytes of a file; None when it is not there."""
        sha = self.run("rev-parse", "--verify", "--quiet", f"{commit}:{path}")
        if sha is None:
            return None
        name = sha.decode().strip()
        content = self.run("cat-file", "blob", name)
        return None if content is None else (name, content)

    def history(self, name: str, *limits: str) -> list[str]:
        """The commits that lead to this one, newest first."""
        return (self.run("rev-list", *limits, "--end-of-options", name) or b"").decode().split()

    def resolve(self, name: str) -> str | None:
        answer = self.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        return answer.decode().strip() if answer else None

    def add(self, branch: str, files: Mapping[str, bytes], message: str, date: int | None = None) -> str:
        """A commit on the branch, as somebody would push it."""
        head = self.resolve(f"refs/heads/{branch}")
        tree = self.tree(head, {path: self.blob(content) for path, content in files.items()})
        commit = self.commit(tree, [head] if head else [], message, date)
        self.move(branch, commit, head)
        return commit
