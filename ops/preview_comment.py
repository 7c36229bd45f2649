"""Preview a stack and show it in the one comment that the pull request has for it.

python -m ops.preview_comment STACK --pull-request N [--failed REASON]

The comment is created once and updated in place, also when the preview fails; the exit code is the preview's own.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ops import engine
from ops.errors import OpsError, run_command, say
from ops.github import GitHub, Refused
from ops.preview_text import Place, Preview, clean, marker, render
from ops.project import load_project

PREVIEW = ("preview", "--diff", "--suppress-progress", *engine.PLAIN)
ATTEMPTS = 3  # to place a comment when the answer to its creation got lost


def preview(stack: str) -> Preview:
    """Run the preview, show its output as it comes, and keep it."""
    try:
        process = subprocess.Popen(
            ["pulumi", *PREVIEW, "--stack", stack],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except FileNotFoundError:
        raise OpsError("there is no `pulumi` on PATH") from None
    lines: list[str] = []
    with process as running:
        assert running.stdout is not None  # noqa: S101 - asked for with PIPE
        for line in running.stdout:
            sys.stdout.write(line)
            lines.append(line)
    sys.stdout.flush()
    place = Place(root=str(Path.cwd()), home=str(Path.home()), prefix=sys.prefix)
    output = clean("".join(lines), place)
    code = process.returncode if process.returncode >= 0 else 128 - process.returncode
    return _preview(stack, code, output, engine.reason(output) if code != 0 else None)


def _preview(stack: str, code: int, output: str, failure: str | None) -> Preview:
    get = os.environ.get
    run = (
        f"{get('GITHUB_SERVER_URL')}/{get('GITHUB_REPOSITORY')}/actions/runs/{get('GITHUB_RUN_ID')}"
        if get("GITHUB_RUN_ID")
        else ""
    )
    return Preview(
        stack=stack,
        code=code,
        output=output,
        failure=failure,
        commit=get("COMMIT") or get("GITHUB_SHA") or "",
        run_url=run,
    )


def place_comment(github: GitHub, pull_request: int, stack: str, body: str, author: str) -> str:
    """Create or update the stack's comment; its address.

    A creation whose answer got lost is looked for before it is tried again.
    """
    for attempt in range(1, ATTEMPTS + 1):
        mine = find_comment(github, pull_request, stack, author)
        try:
            answer = (
                github.update_comment(mine, body) if mine is not None else github.create_comment(pull_request, body)
            )
            return str(answer["html_url"])
        except Refused as error:
            vanished = mine is not None and error.status == 404
            if attempt == ATTEMPTS or not (vanished or error.status in {0, 500, 502, 503, 504}):
                raise
    raise AssertionError("unreachable")


def find_comment(github: GitHub, pull_request: int, stack: str, author: str) -> int | None:
    """The number of the stack's comment: marked, and written by us, since anybody can write the mark."""
    for comment in github.comments(pull_request):
        if comment["user"]["login"] == author and str(comment["body"]).startswith(marker(stack)):
            return int(comment["id"])
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m ops.preview_comment", description="Preview a stack on its pull request."
    )
    parser.add_argument("stack", help="<system>.<environment>, like liveinsight.dev")
    parser.add_argument("--pull-request", type=int, required=True, help="its number")
    parser.add_argument("--failed", metavar="REASON", help="run no preview: report that something before it failed")
    parser.add_argument(
        "--author", default="github-actions[bot]", help="whose comments may be updated (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    load_project().stack(options.stack)
    github = GitHub.from_environment()
    made = _preview(options.stack, 1, "", options.failed) if options.failed else preview(options.stack)
    body = render(made)
    _summarise(body)
    try:
        url = place_comment(github, options.pull_request, options.stack, body, options.author)
        say(f"the preview of {options.stack} is at {url}")
    except OpsError as error:
        if made.code == 0:
            raise
        say(f"error: {error}")  # the preview's own failure comes first
    return made.code


def _summarise(body: str) -> None:
    """The same text on the run's summary page, where there is one."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path:
        with open(path, "a") as summary:
            summary.write(body + "\n")


if __name__ == "__main__":
    run_command(main)
