"""A git tree for tests."""

import os
import subprocess
from pathlib import Path

WHO = {f"GIT_{role}_{field}": "test@localhost" for role in ("AUTHOR", "COMMITTER") for field in ("NAME", "EMAIL")}


def git(tree: Path, *words: str) -> str:
    environment = {**os.environ, **WHO}
    done = subprocess.run(["git", "-C", str(tree), *words], env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def committed(tree: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    git(tree, "init", "--quiet")
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message", "test")
    return tree
