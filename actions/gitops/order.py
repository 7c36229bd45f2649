"""An older build never overwrites a newer one: the order is that of the commits it was built from."""

import re
from collections.abc import Callable, Mapping

from actions.errors import PreflightFailed
from actions.github import Rest
from actions.gitops.repository import Repository

Say = Callable[[str], None]
COMMIT_OF_TAG = re.compile(r".*-([0-9a-f]{8,40})")


def commit_of(tag: str) -> str | None:
    """The commit that `<component>-stage-<sha8>` names."""
    found = COMMIT_OF_TAG.fullmatch(tag)
    return found[1] if found else None


def refuse_older(
    now: Mapping[str, str], wanted: Mapping[str, str], sources: Mapping[str, str], rest: Rest, say: Say
) -> None:
    """`PreflightFailed` when a component would go back in the history of the repository it is built from (`sources`).

    One call, however many repositories. What was not built from a commit of its repository has no place in the order
    and may be replaced.
    """
    builds = {}
    for component, tag in sorted(wanted.items()):
        if component in sources and now[component] != tag:
            if commit_of(tag):
                builds[component] = (sources[component], str(commit_of(tag)))
            else:
                say(f"{component}: {tag} names no commit, so its age cannot be told")
    histories = _histories(sorted(set(builds.values())), rest) if builds else {}
    for component, build in builds.items():
        _refuse_older(component, now[component], wanted[component], build[0], histories[build], rest, say)


def _refuse_older(component: str, now: str, wanted: str, source: str, history: list[str], rest: Rest, say: Say) -> None:
    if not history:
        raise PreflightFailed(
            f"{wanted} is of commit {commit_of(wanted)}, which {source} does not have, or the token may not see it: "
            "name a build of that repository, or set ALLOW_OLDER=true for this run"
        )
    old = commit_of(now)
    if old is None or any(sha.startswith(old) for sha in history):
        return
    if Repository(rest, source).standing(old, history[0]) == "behind":
        raise PreflightFailed(
            f"{component} is at {now}, which is newer than {wanted}: an older build does not overwrite a newer one. "
            "To go back on purpose: `make rollback`, or ALLOW_OLDER=true for this run"
        )
    say(f"{component}: {now} is not in the history of {wanted}, so it is replaced")


def _histories(builds: list[tuple[str, str]], rest: Rest) -> dict[tuple[str, str], list[str]]:
    """The last hundred commits up to each build's, newest first; empty where there is no such commit."""
    parts = []
    for number, (source, commit) in enumerate(builds):
        owner, _, name = source.partition("/")
        parts.append(
            f'b{number}: repository(owner: "{owner}", name: "{name}") {{ object(expression: "{commit}") '
            "{ ... on Commit { history(first: 100) { nodes { oid } } } } }"
        )
    answer = rest.query(f"query {{ {' '.join(parts)} }}")
    found = {}
    for number, build in enumerate(builds):
        commit_object = (answer.get(f"b{number}") or {}).get("object") or {}
        found[build] = [str(node["oid"]) for node in commit_object.get("history", {}).get("nodes", [])]
    return found
