"""Set a stack back to the last verified release, or to a named one, and bring it up.

python -m ops.rollback STACK [--tag TAG]

`plan_rollback` decides from the configuration and the recorded release; the change itself is `pulumi config set` and
`pulumi up`, like any.
"""

import argparse
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ops import engine
from ops.errors import OpsError, run_command, say
from ops.project import Project, Stack, load_project
from ops.rollback_tags import plan_tags_rollback

MESSAGE = "rollback to "  # how the stack's history tells a rollback from a release
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")  # what a registry accepts


@dataclass(frozen=True, kw_only=True)
class Rollback:
    """Where to, and why there."""

    tag: str
    because: str


@dataclass(frozen=True, kw_only=True)
class LastUpdate:
    """What the newest `pulumi up` of the stack asked for."""

    tag: str | None = None  # None: it kept what was released
    rollback: bool = False  # it was a rollback itself
    failed: bool = False  # it ended in any other way than well


def plan_rollback(
    *, configured: str | None, release: dict[str, Any] | None, tag: str | None, last: LastUpdate | None = None
) -> Rollback:
    """The release to return to.

    `configured` is the stack's imageTag (None: it keeps what is released), `release` the proof of the last verified
    release (None: none yet). A named tag wins; then the last verified release when another one was asked for, as after
    a failure; then the one before it. A rollback that failed is repeated: the last verified release may be what it was
    to leave.

    A workflow sets the tag in its own checkout only, so the newest update counts where nothing is configured. Without
    it a rollback after a failed release, when the last verified one serves already, would go one release too far.
    """
    last = last or LastUpdate()
    if tag is not None:
        if not TAG.fullmatch(tag):
            raise OpsError(f"{tag!r} is not an image tag: letters, digits, '_', '.' and '-', at most 128 characters")
        return Rollback(tag=tag, because="asked for by name")
    if release is None:
        raise OpsError("nothing has been released on this stack yet, so there is nothing to roll back to")
    verified = _tag_of(release, "the recorded release")
    asked = configured or last.tag
    if asked is not None and asked == last.tag and last.rollback and last.failed:
        return Rollback(tag=asked, because="the rollback that did not succeed")
    if asked is not None and asked != verified:
        return Rollback(tag=verified, because=f"the last verified release; {asked} was asked for")
    previous = release.get("previous")
    if previous is None:
        raise OpsError(
            f"{verified} is the only verified release of this stack, so there is nothing to roll back to; "
            "name another with --tag"
        )
    before = _tag_of(previous, "the release before it")
    if before == verified:
        raise OpsError(f"the release before {verified} has the same tag, so going back needs a name: --tag TAG")
    if last.rollback:
        raise OpsError(
            f"{verified} is what the last rollback went to, and {before} is what it left; to go there again, or "
            "further back, name the release with --tag"
        )
    return Rollback(tag=before, because=f"the verified release before {verified}")


def last_update(history: Any, key: str) -> LastUpdate:
    """The newest update of `pulumi stack history --json`."""
    for update in history or []:
        if update.get("kind") == "update":
            value = update.get("config", {}).get(key, {}).get("value")
            rollback = str(update.get("message", "")).startswith(MESSAGE)
            failed = update.get("result") != "succeeded"
            return LastUpdate(tag=str(value) if value else None, rollback=rollback, failed=failed)
    return LastUpdate()


def _tag_of(record: Any, what: str) -> str:
    tag = record.get("image_tag") if isinstance(record, dict) else None
    if not isinstance(tag, str) or not TAG.fullmatch(tag):
        raise OpsError(f"{what} names no image tag, so there is no safe target; name one with --tag TAG")
    return tag


def roll_back(stack: str, tag: str | None) -> int:
    """Configure the target and bring the stack up; the exit code of `pulumi up`."""
    project = load_project()
    known = project.stack(stack)
    key = f"{project.name}:imageTag"
    configured = engine.ask_json("config", "--json", "--stack", stack).get(key, {}).get("value")
    history = engine.ask_json("stack", "history", "--json", "--page-size", "10", "--stack", stack)
    release = engine.ask_json("stack", "output", "--json", "--stack", stack).get("release")
    if release is not None and not isinstance(release, dict):
        raise OpsError(f"the output `release` of {stack} is no release record: {str(release)[:80]!r}")
    last = last_update(history, key)
    if release and "tags" in release:
        return _roll_back_tags(project, known, release, tag, last)
    target = plan_rollback(configured=configured, release=release or None, tag=tag, last=last)
    say(f"rolling {stack} back to {target.tag}: {target.because}")
    engine.ask("config", "set", "imageTag", target.tag, "--stack", stack)
    code = engine.run(["up", "--stack", stack, "--yes", "--message", f"{MESSAGE}{target.tag}: {target.because}"])
    file = project.config_file(known)
    if code == 0:
        say(f"{stack} is at {target.tag}; commit {file} to keep it there")
    else:
        say(
            f"`pulumi up` failed with code {code}; its lines above say why, and what serves now. "
            f"{file} keeps saying {target.tag}, as asked. When the cause is gone: "
            f"`python -m ops.rollback {stack} --tag {target.tag}`, or the same with another release"
        )
    return code


def _roll_back_tags(project: Project, stack: Stack, release: dict[str, Any], tag: str | None, last: LastUpdate) -> int:
    """The same for a release of several tags; going back to older builds is what is meant here."""
    found = engine.ask_json("config", "--json", "--stack", stack.name).get(f"{project.name}:tags", {}).get("value")
    configured = json.loads(found) if found else {}
    target = plan_tags_rollback(configured=configured, release=release, tag=tag, last_was_rollback=last.rollback)
    shown = ", ".join(value for _, value in sorted(target.tags.items()))
    say(f"rolling {stack.name} back to {shown}: {target.because}")
    for component, value in sorted(target.tags.items()):
        engine.ask("config", "set", "--path", f"tags.{component}", value, "--stack", stack.name)
    os.environ["ALLOW_OLDER"] = "true"
    message = f"{MESSAGE}{shown}: {target.because}"
    code = engine.run(["up", "--stack", stack.name, "--yes", "--message", message])
    file = project.config_file(stack)
    if code == 0:
        say(f"{stack.name} is at {shown}; commit {file} to keep it there")
    else:
        say(f"`pulumi up` failed with code {code}; its lines above say why. {file} keeps saying {shown}, as asked")
    return code


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m ops.rollback", description="Set a stack back to a verified release."
    )
    parser.add_argument("stack", help="<system>.<environment>, like liveinsight.prod")
    parser.add_argument(
        "--tag", help="the image tag to return to (default: the last verified release that is not the present one)"
    )
    options = parser.parse_args(arguments)
    return roll_back(options.stack, options.tag)


if __name__ == "__main__":
    run_command(main)
