"""Which stacks can a change touch?

python -m ops.affected --base COMMIT [--head COMMIT] [--environment NAME ...] [--without PATTERN ...]
python -m ops.affected --stack STACK

Prints the rows of a workflow's matrix as JSON: [{"stack": …, "system": …, "environment": …}]. A system's files are
found by following the imports of stacks/<system>.py, so a new system needs no entry here.
"""

import argparse
import json
import re
import subprocess
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from ops.errors import OpsError, run_command, say
from ops.images import IMAGES
from ops.imports import closure
from ops.project import Project, Stack, load_project

# No stack reads these. What is neither here nor found by the import scan touches every stack: a preview too many is
# cheap.
READ_BY_NO_STACK = (
    ".ci/", ".github/", "docs/", "localcloud/", "ops/", "tests/", ".gitignore", "LICENSE", "Makefile", "README.md",
    "pyproject.toml", "requirements-dev.txt",
)  # fmt: skip
CODE = ("actions/", "components/", "stacks/")
NO_COMMIT = "0" * 40  # what a push event names as its base when the branch is new
COMMIT = re.compile(r"[A-Za-z0-9_./^~-]+")


def affected(project: Project, changed: Iterable[str]) -> tuple[Stack, ...]:
    """The stacks that the changed files (relative to the checkout) can touch."""
    stacks = project.stacks()
    files = {
        system: closure(project.root, project.config_dir / f"{system.replace('-', '_')}.py")
        for system in {stack.system for stack in stacks}
    }
    shared = closure(project.root, Path("__main__.py"))
    touched: set[Stack] = set()
    for name in changed:
        touched.update(_touched_by(name, project, stacks, files, shared))
    return tuple(sorted(touched))


def _touched_by(
    name: str, project: Project, stacks: tuple[Stack, ...], files: dict[str, frozenset[str]], shared: frozenset[str]
) -> Iterable[Stack]:
    own = [stack for stack in stacks if name == project.config_file(stack).as_posix()]
    if own:
        return own
    systems = {system for system, read in files.items() if name in read or _lies_beside(name, read)}
    systems |= {system for system, image in IMAGES.items() if name.startswith(f"{image.context}/")}
    if systems:  # before `shared`: the dispatcher reads every system's settings, and yet they are one system's own
        return [stack for stack in stacks if stack.system in systems]
    if name in shared:
        return stacks
    if name.startswith((*READ_BY_NO_STACK, *CODE)):
        return []
    return stacks


def _lies_beside(name: str, read: frozenset[str]) -> bool:
    """A file of data (a template, a schema) belongs to the modules of its own directory."""
    if name.endswith((".py", ".yaml", ".md")):
        return False
    parent = Path(name).parent
    return parent != Path(".") and any(Path(module).parent == parent for module in read)


def changed_files(base: str, head: str) -> list[str] | None:
    """The names that differ between two commits, both names of a renamed file; None when the base is not to be had."""
    for commit in (base, head):
        if not COMMIT.fullmatch(commit) or commit.startswith("-"):
            raise OpsError(f"{commit!r} is not a commit")
    if base == NO_COMMIT or _git("rev-parse", "--verify", "--quiet", f"{base}^{{commit}}") is None:
        return None
    names = _git("diff", "--name-only", "--no-renames", "-z", base, head)
    if names is None:
        raise OpsError(f"git cannot compare {base} with {head}: is {head} in this checkout?")
    return [name for name in names.split("\0") if name]


def _git(*arguments: str) -> str | None:
    try:
        answer = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise OpsError("there is no `git` on PATH") from None
    return answer.stdout if answer.returncode == 0 else None


def rows(stacks: Iterable[Stack]) -> str:
    """The matrix of a workflow, on one line."""
    return json.dumps(
        [{"stack": stack.name, "system": stack.system, "environment": stack.environment} for stack in stacks]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.affected", description="Which stacks can a change touch?")
    parser.add_argument("--base", help="the commit before the change")
    parser.add_argument("--head", default="HEAD", help="the commit with the change (default: HEAD)")
    parser.add_argument("--stack", help="no comparison: this one stack, if there is one of the name")
    parser.add_argument(
        "--environment", action="append", metavar="NAME", help="only stacks of this environment (repeatable)"
    )
    parser.add_argument(
        "--without", action="append", default=[], metavar="PATTERN", help="no stacks of such environments (repeatable)"
    )
    options = parser.parse_args(arguments)
    project = load_project()
    if options.stack:
        found: tuple[Stack, ...] = (project.stack(options.stack),)
    elif options.base:
        changed = changed_files(options.base, options.head)
        if changed is None:
            say(f"{options.base} is not in this checkout: every stack counts as touched")
        found = project.stacks() if changed is None else affected(project, changed)
    else:
        parser.error("say --base COMMIT or --stack STACK")
    environments = options.environment or [stack.environment for stack in found]
    left_out = {e for e in environments for pattern in options.without if fnmatchcase(e, pattern)}
    print(rows(s for s in found if s.environment in environments and s.environment not in left_out))
    return 0


if __name__ == "__main__":
    run_command(main)
