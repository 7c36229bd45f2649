"""`python -m localcloud.photo_api.supply STACK`: the sample as a git tree, and what the mirror gives to its images.

`.local/photo-api` is the application's checkout, for changes of one's own: what is committed there stays.
`.local/mirror` has paths as github.com has them.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from localcloud.photo_api import mirror
from localcloud.up.job import Job, StepFailed
from localcloud.up.paths import LOCAL

SOURCE = Path(__file__).parent / "source"
TREE = LOCAL / "photo-api"
WHO = {
    f"GIT_{role}_{field}": value
    for role in ("AUTHOR", "COMMITTER")
    for field, value in (("NAME", "sample"), ("EMAIL", "sample@localhost"), ("DATE", "2026-01-01T00:00:00Z"))
}


def plant(tree: Path) -> bool:
    """The sample's files as one commit, always the same one; False when somebody works there already."""
    if (tree / ".git").exists():
        return False
    fresh = tree.with_name(f".{tree.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(SOURCE, fresh, ignore=shutil.ignore_patterns("__pycache__"))
    for words in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "--all"],
        ["commit", "--quiet", "--message", "photo-api, the sample"],
    ):
        subprocess.run(["git", "-C", str(fresh), *words], env={**os.environ, **WHO}, check=True)
    shutil.rmtree(tree, ignore_errors=True)
    fresh.replace(tree)
    return True


def supply() -> None:
    if plant(TREE):
        print(f"planted {TREE.relative_to(LOCAL.parent)}", file=sys.stderr)
    mirror.fill(LOCAL / "mirror", Job("mirror", lambda text: print(f"{text} …", file=sys.stderr)))


if __name__ == "__main__":
    try:
        supply()
    except (StepFailed, subprocess.CalledProcessError) as error:
        sys.exit(f"photo-api cannot be supplied: {error}")
