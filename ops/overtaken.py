"""Has a newer commit taken this one's place? An older commit must not be released over a newer one.

python -m ops.overtaken STACK --commit SHA --branch NAME

Prints `current=true` or `current=false` for a step's output. A commit is overtaken when the branch has moved on and one
of the newer commits touches the same stack: then the newer run releases it. When the newer commits leave the stack
alone, this run is the one to go on.
"""

import argparse
import re
from collections.abc import Sequence

from ops.affected import affected
from ops.errors import OpsError, run_command, say
from ops.github import GitHub
from ops.project import Project, load_project

SHA = re.compile(r"[0-9a-f]{40}")


def overtaken_by(github: GitHub, project: Project, stack: str, commit: str, branch: str) -> str | None:
    """The head that has taken the commit's place, None when the commit is still the one to release."""
    head = github.branch_head(branch)
    if head == commit:
        return None
    status, changed = github.compare(commit, head)
    if status == "ahead" and changed is not None and project.stack(stack) not in affected(project, changed):
        return None
    return head


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m ops.overtaken", description="Has a newer commit taken this one's place?"
    )
    parser.add_argument("stack")
    parser.add_argument("--commit", required=True, help="the commit this run was started for")
    parser.add_argument("--branch", required=True)
    options = parser.parse_args(arguments)
    if not SHA.fullmatch(options.commit):
        raise OpsError(f"{options.commit!r} is not a full commit")
    newer = overtaken_by(GitHub.from_environment(), load_project(), options.stack, options.commit, options.branch)
    if newer:
        say(
            f"::notice::{options.stack}: {options.commit[:12]} was overtaken by {newer[:12]}, whose own "
            "run releases it; nothing done here"
        )
    print(f"current={'false' if newer else 'true'}")
    return 0


if __name__ == "__main__":
    run_command(main)
