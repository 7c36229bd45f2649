"""Put tags into the values files of a branch, in one commit, whatever others commit meanwhile.

No lock: a write states the blob (or the commit) it was made from, and GitHub refuses it when that is no longer so.
Then the files are read again and the change is applied to what they say now.
"""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from actions.errors import ReleaseError
from actions.gitops import values
from actions.gitops.repository import Conflict, File, Repository, Unknown
from actions.gitops.values import Path
from actions.lifeline import Cancellation
from actions.progress import Progress

ATTEMPTS = 60  # of twenty releases at once one lands in every round, so the last needs twenty
JITTER_SECONDS = (0.05, 0.5)  # grows with the attempts, up to the longest
LONGEST_JITTER = 3.0


@dataclass(frozen=True, kw_only=True)
class Bumped:
    """What the branch says now, and how it came to."""

    commit: str
    made: bool  # False: everything said so already
    before: dict[str, dict[str, str]]  # file → component → tag
    attempts: int
    calls: int


@dataclass(kw_only=True)
class Bump:
    """One change of tags. `wanted` gives them by file and what it says now, so that nothing newer is overwritten."""

    repository: Repository
    branch: str
    files: tuple[str, ...]
    paths: Mapping[str, Path]  # component → place of its tag
    wanted: Callable[[str, Mapping[str, str]], Mapping[str, str]]
    message: Callable[[Mapping[str, str], Mapping[str, str]], str]  # from the tags before and after
    check: Callable[[str, str], None]  # text and file: raises when it must not be committed
    cancellation: Cancellation
    progress: Progress
    _attempts: int = field(default=0, init=False)

    def run(self) -> Bumped:
        """Ends with the tags in the branch. Raises `ReleaseError` when it cannot be, `Refused` when GitHub refuses."""
        first: dict[str, dict[str, str]] = {}
        unknown = ""
        calls = self.repository.rest.calls
        while self._attempts < ATTEMPTS:
            self._attempts += 1
            self.cancellation.check()
            head, files = self._read()
            before = {file.path: self._tags(file) for file in files}
            first = first or before
            texts = self._edited(files, before)
            if not texts:
                commit = self.repository.last_commit(self.branch, self.files[0])
                made = bool(unknown)  # the answer to our own commit got lost
                return self._bumped(commit, made, first if made else before, calls)
            try:
                return self._bumped(self._write(head, files, before, texts), True, before, calls)
            except Conflict as conflict:
                self.progress.say(f"attempt {self._attempts}: somebody else's commit came first ({_short(conflict)})")
                unknown = ""
            except Unknown as lost:
                self.progress.say(f"attempt {self._attempts}: no answer to the commit; looking whether it was made")
                unknown = str(lost)
            self._pause()
        why = f"the last answer was lost: {unknown}" if unknown else "somebody else's commit came first each time"
        raise ReleaseError(f"the tags could not be committed in {self._attempts} attempts: {why}")

    def nothing_to_do(self) -> bool:
        """Whether the branch says so already; raises what would keep the change from being made."""
        _, files = self._read()
        return not self._edited(files, {file.path: self._tags(file) for file in files})

    def _tags(self, file: File) -> dict[str, str]:
        return values.tags(file.text, self.paths, file.path)

    def _read(self) -> tuple[str, list[File]]:
        """One file needs its blob's sha only; several are read at one commit, which their own must follow."""
        if len(self.files) == 1:
            return "", [self.repository.file(self.files[0], self.branch)]
        head = self.repository.head(self.branch)
        return head, [self.repository.file(path, head) for path in self.files]

    def _edited(self, files: list[File], before: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
        """The files that change, each checked."""
        texts = {}
        for file in files:
            wanted = self.wanted(file.path, before[file.path])
            changes = {self.paths[name]: tag for name, tag in wanted.items() if tag != before[file.path][name]}
            if changes:
                texts[file.path] = values.edit(file.text, changes, file.path)
                self.check(texts[file.path], file.path)
        return texts

    def _write(
        self, head: str, files: list[File], before: Mapping[str, Mapping[str, str]], texts: dict[str, str]
    ) -> str:
        path = min(texts)
        message = self.message(before[path], self.wanted(path, before[path]))
        if head:
            return self.repository.commit_files(self.branch, head, texts, message)
        return self.repository.put(self.branch, files[0], texts[path], message)

    def _bumped(self, commit: str, made: bool, before: dict[str, dict[str, str]], calls: int) -> Bumped:
        return Bumped(
            commit=commit,
            made=made,
            before=before,
            attempts=self._attempts,
            calls=self.repository.rest.calls - calls,
        )

    def _pause(self) -> None:
        """Those who met once should not meet again."""
        low, high = JITTER_SECONDS
        self.cancellation.wait(random.uniform(low, min(LONGEST_JITTER, high * self._attempts)))  # noqa: S311


def _short(error: Exception) -> str:
    return str(error).rpartition(": ")[2][:120]


def deadline_in(seconds: int) -> float:
    return time.monotonic() + seconds
