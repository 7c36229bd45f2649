"""Propose tags as a pull request; the same change is proposed once."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from actions.github import Refused
from actions.gitops.bump import Bump
from actions.gitops.repository import Repository
from actions.gitops.request import GitOpsRequest


@dataclass(frozen=True, kw_only=True)
class Proposed:
    """Where the change waits for its reviewers; empty when the branch says so already."""

    url: str


def propose(asked: GitOpsRequest, repository: Repository, bump: Callable[[Repository, str], Bump]) -> Proposed:
    """The open pull request that brings the tags; made unless it is there."""
    on_base = bump(repository, asked.branch)
    if on_base.nothing_to_do():
        asked_for = ", ".join(sorted(asked.tags.values()))
        on_base.progress.say(f"{asked.branch} says so already: {asked_for}")
        return Proposed(url="")
    branch = f"release/{change_name(asked)}"
    found = repository.open_pull(branch)
    if found is not None:
        on_base.progress.say(f"already proposed: {found['html_url']}")
        return Proposed(url=str(found["html_url"]))
    repository.start_branch(branch, repository.head(asked.branch))
    bump(repository, branch).run()
    title = f"Release {', '.join(sorted(asked.tags.values()))}"
    body = "\n".join(f"- `{name}`: `{tag}`" for name, tag in sorted(asked.tags.items()))
    try:
        made = repository.open_new_pull(branch, asked.branch, title, body)
    except Refused as refused:
        found = repository.open_pull(branch) if refused.status == 422 else None
        if found is None:
            raise
        made = found
    on_base.progress.say(f"proposed: {made['html_url']}")
    return Proposed(url=str(made["html_url"]))


def change_name(asked: GitOpsRequest) -> str:
    """The same for the same change, so that it is found again."""
    content = json.dumps([asked.branch, asked.files, asked.tags], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:12]
