"""Release tags by a commit: Argo CD serves that commit, or the earlier tags are committed again and the reason is said.

One transaction: registry → order of builds → one commit → Synced and Healthy at that commit. Every other end is a
revert commit. Run by `components.release.gitops`; progress on standard error, the proof as one JSON object on
standard output.
"""

import json
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from actions import lifeline
from actions.errors import Cancelled, ReleaseError
from actions.github import Refused, Rest
from actions.gitops import order, render, request
from actions.gitops.argocd import ArgoCd, Waiting
from actions.gitops.bump import Bump, Bumped, deadline_in
from actions.gitops.pull_request import Proposed, propose
from actions.gitops.registry import Registry
from actions.gitops.repository import Repository
from actions.lifeline import Cancellation
from actions.progress import Progress

RIGHT = "a release needs `contents: write`, and `pull-requests: write` where it is proposed"


class GitOpsRelease:
    """One run of the transaction."""

    def __init__(self, asked: request.GitOpsRequest, cancellation: Cancellation, progress: Progress) -> None:
        self._asked, self._cancellation, self._progress = asked, cancellation, progress
        self._rest = Rest(
            api_url=asked.api_url, graphql_url=asked.graphql_url, token=asked.secrets.github_token, right=RIGHT
        )
        self._repository = Repository(self._rest, asked.repository)
        self._argocd = ArgoCd(asked.argocd, asked.secrets.argocd_token) if asked.argocd else None
        self._older: dict[str, bool] = {}

    def run(self) -> dict[str, Any]:
        """The proof of the release. Raises `ReleaseError` after everything was undone."""
        with self._progress.step("registry"):
            digests = self._digests()
        if self._asked.way == "pull-request":
            with self._progress.step("propose"):
                return self._proof(digests, proposed=propose(self._asked, self._repository, self._bump))
        with self._progress.step("commit"):
            bumped = self._bump(self._repository, self._asked.branch).run()
        self._report(bumped)
        looks = {}
        if self._argocd:
            try:
                with self._progress.step("sync"):
                    looks = self._await(bumped.commit)
            except Exception as failure:
                self._undo(bumped, failure)
                raise
        return self._proof(digests, bumped=bumped, looks=looks)

    def _digests(self) -> dict[str, str]:
        """What each tag is in the registry; nothing is written before all are there."""
        registry = Registry(self._asked.secrets.registry_user, self._asked.secrets.registry_password)
        names = sorted(self._asked.tags)
        with ThreadPoolExecutor(max_workers=4) as pool:
            found = pool.map(lambda name: registry.digest(self._asked.images[name], self._asked.tags[name]), names)
            digests = dict(zip(names, found, strict=True))
        for name, digest in digests.items():
            self._progress.say(f"{self._asked.tags[name]} is {digest[:19]}")
        return digests

    def _bump(self, repository: Repository, branch: str) -> Bump:
        return Bump(
            repository=repository,
            branch=branch,
            files=self._asked.files,
            paths={name: self._asked.path(name) for name in self._asked.tags},
            wanted=self._wanted,
            message=_message,
            check=self._check,
            cancellation=self._cancellation,
            progress=self._progress,
        )

    def _wanted(self, _file: str, now: Mapping[str, str]) -> Mapping[str, str]:
        """The tags asked for; refused where one is older than what is there, asked once for each such state."""
        state = json.dumps(now, sort_keys=True)
        if not self._asked.allow_older and state not in self._older:
            order.refuse_older(now, self._asked.tags, self._asked.sources, self._rest, self._progress.say)
            self._older[state] = False
        return self._asked.tags

    def _check(self, text: str, file: str) -> None:
        render.check(text, file, self._asked.schema, self._asked.charts)

    def _await(self, commit: str) -> dict[str, str]:
        """Every application Synced and Healthy at the commit; their revisions."""
        if self._argocd is None:
            return {}
        deadline = deadline_in(self._asked.timeout_seconds)
        revisions = {}
        for application in self._asked.applications:
            waiting = Waiting(
                argocd=self._argocd,
                application=application,
                serves=lambda revision: self._holds(revision, commit),
                cancellation=self._cancellation,
                progress=self._progress,
            )
            revisions[application] = waiting.until(deadline).revision
        return revisions

    def _holds(self, revision: str, commit: str) -> bool:
        """Whether the commit is the revision, or one of those before it: others may have committed since."""
        if revision == commit:
            return True
        place = f"{commit}...{revision}"
        if place not in self._older:
            self._older[place] = self._repository.standing(commit, revision) in ("ahead", "identical")
        return self._older[place]

    def _undo(self, bumped: Bumped, failure: Exception) -> None:
        """The earlier tags as a new commit, waited for as well; what somebody else has changed since stays."""
        self._progress.say(f"release failed: {failure}")
        earlier = self._earlier(bumped)
        if not earlier:
            self._progress.detail(
                "the tags were there before this release, and no earlier ones are known: nothing to undo"
            )
            return
        with self._cancellation.shielded(), self._progress.step("undo"):
            try:
                bump = self._bump(self._repository, self._asked.branch)
                bump.wanted = lambda file, now: {
                    name: earlier[file].get(name, tag) if tag == self._asked.tags[name] else tag
                    for name, tag in now.items()
                }
                bump.message = lambda before, after: f"Revert: {_message(before, after)}\n\n{failure}"
                back = bump.run()
                self._progress.say(f"undone: {back.commit[:8]} brings the earlier tags back")
                self._await(back.commit)
            except (ReleaseError, Refused) as error:
                self._progress.say(f"NOT undone: {error}")
                self._progress.detail("the next `pulumi up` looks again; see docs/runbooks/astrago.md")
                return
        self._progress.detail(
            "next: mend the build or name good tags, then `pulumi up`; the preview shows it as pending"
        )

    def _earlier(self, bumped: Bumped) -> dict[str, dict[str, str]]:
        """What each file said before; for a commit of a run that was cut off, the last verified tags."""
        if bumped.made:
            return bumped.before
        verified = {name: tag for name, tag in self._asked.previous.items() if tag != self._asked.tags.get(name)}
        return {file: verified for file in self._asked.files} if verified else {}

    def _report(self, bumped: Bumped) -> None:
        what = f"commit {bumped.commit[:8]}" if bumped.made else f"already there, by commit {bumped.commit[:8]}"
        self._progress.say(f"{what} ({bumped.attempts} attempts, {bumped.calls} API calls)")

    def _proof(
        self,
        digests: dict[str, str],
        *,
        bumped: Bumped | None = None,
        looks: Mapping[str, str] | None = None,
        proposed: Proposed | None = None,
    ) -> dict[str, Any]:
        """What was observed; small enough for a stack output."""
        return {
            "tags": self._asked.tags,
            "digests": digests,
            "repository": self._asked.repository,
            "branch": self._asked.branch,
            "files": list(self._asked.files),
            "commit": bumped.commit if bumped else "",
            "changed": bumped.made if bumped else False,
            "attempts": bumped.attempts if bumped else 1,
            "calls": bumped.calls if bumped else self._rest.calls,
            "applications": dict(looks or {}),
            "pull_request": proposed.url if proposed else "",
            "verified_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": {**self._progress.seconds, "total": round(self._progress.elapsed(), 1)},
        }


def _message(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """One line for the history: which component goes where."""
    changed = [f"{name} {tag}" for name, tag in sorted(after.items()) if before[name] != tag]
    lines = [f"{name}: {before[name]} -> {tag}" for name, tag in sorted(after.items()) if before[name] != tag]
    return f"Release {', '.join(changed)}\n\n" + "\n".join(lines)


def work(cancellation: Cancellation) -> int:
    progress = Progress()
    try:
        proof = GitOpsRelease(request.from_environment(), cancellation, progress).run()
    except (ReleaseError, Refused) as error:
        kind = "cancelled" if isinstance(error, Cancelled) else "failed"
        progress.say(f"{kind}: {error}")
        return 1
    print(json.dumps(proof), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(lifeline.run(work))
