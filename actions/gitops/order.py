"""An older build never overwrites a newer one: the order is that of the commits it was built from."""

import re
from collections.abc import Callable, Mapping

from actions.errors import PreflightFailed
from actions.gitops.repository import Repository

COMMIT_OF_TAG = re.compile(r".*-([0-9a-f]{8,40})")


def commit_of(tag: str) -> str | None:
    """The commit that `<component>-stage-<sha8>` names."""
    found = COMMIT_OF_TAG.fullmatch(tag)
    return found[1] if found else None


def refuse_older(
    now: Mapping[str, str], wanted: Mapping[str, str], repositories: Mapping[str, Repository], say: Callable[[str], None]
) -> None:
    """`PreflightFailed` when a component would go back in its repository's history.

    One call for each repository where the present build is among the last hundred commits before the wanted one. What
    was not built from a commit of that repository has no place in its order and may be replaced.
    """
    histories: dict[tuple[str, str], list[str]] = {}
    for component in sorted(wanted):
        repository = repositories.get(component)
        old, new = commit_of(now[component]), commit_of(wanted[component])
        if repository is None or now[component] == wanted[component]:
            continue
        if new is None:
            say(f"{component}: {wanted[component]} names no commit, so its age cannot be told")
            continue
        place = (repository.name, new)
        if place not in histories:
            histories[place] = repository.ancestors(new)
        history = histories[place]
        if not history:
            raise PreflightFailed(
                f"{wanted[component]} was built from {new}, which {repository.name} does not have: name a build of that "
                "repository, or set ALLOW_OLDER=true for this run"
            )
        if old is None or any(sha.startswith(old) for sha in history):
            continue
        standing = repository.standing(old, new)
        if standing == "behind":
            raise PreflightFailed(
                f"{component} is at {now[component]}, which is newer than {wanted[component]}: an older build does not "
                "overwrite a newer one. To go back on purpose: `make rollback`, or ALLOW_OLDER=true for this run"
            )
        say(f"{component}: {now[component]} is not in the history of {wanted[component]}, so it is replaced")
