"""`python -m localcloud.up.quest16_push STACK`: push the sample monorepo, and wait until its build has deployed it.

The repository is the one that the stack's file names; the local cloud keeps it in `.local/aws/git`.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import boto3

from localcloud.aws.git_hosting import Hosting
from localcloud.up.inside import stack_settings
from localcloud.up.paths import CLOUD, ROOT

SAMPLE = ROOT / "localcloud" / "quest16"
WAIT_SECONDS = 1800.0
POLL_SECONDS = 1.0
WHO = {f"GIT_{role}_{field}": value for role in ("AUTHOR", "COMMITTER") for field, value in
       (("NAME", "sample"), ("EMAIL", "sample@localhost"), ("DATE", "2026-01-01T00:00:00Z"))}  # fmt: skip


def push(repository: Path, branch: str) -> bool:
    """Push the sample as one commit, the same commit each time; False when the branch has it already."""
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory) / "monorepo"
        ignored = shutil.ignore_patterns("node_modules", "dist", "release")
        shutil.copytree(SAMPLE, work, ignore=ignored)
        _git(work, "init", "--quiet", f"--initial-branch={branch}")
        _git(work, "add", "--all")
        _git(work, "commit", "--quiet", "--message", "the sample monorepo")
        commit = _git(work, "rev-parse", "HEAD").strip()
        known = _git(work, "ls-remote", str(repository), f"refs/heads/{branch}")
        if known:
            return False  # somebody works with it: what they pushed stays
        print(f"pushing {commit[:12]} to {branch} of {repository}", file=sys.stderr)
        _git(work, "push", "--quiet", str(repository), f"HEAD:refs/heads/{branch}")
    return True


def follow(project: str) -> dict[str, Any]:
    """The project's newest build, once it has ended."""
    codebuild = boto3.client("codebuild", region_name=os.environ["AWS_REGION"])
    deadline, said = time.monotonic() + WAIT_SECONDS, ""
    while True:
        ids = codebuild.list_builds_for_project(projectName=project, sortOrder="DESCENDING")["ids"]
        build: dict[str, Any] = codebuild.batch_get_builds(ids=ids[:1])["builds"][0]
        if build["currentPhase"] != said:
            said = build["currentPhase"]
            print(f"{build['id']}: {said}", file=sys.stderr)
        if build["buildComplete"]:
            return build
        if time.monotonic() > deadline:
            sys.exit(f"build {build['id']} did not end within {WAIT_SECONDS:.0f} s")
        time.sleep(POLL_SECONDS)


def _git(directory: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=directory, capture_output=True, text=True, env={**os.environ, **WHO})
    if done.returncode != 0:
        sys.exit(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def main(stack: str) -> int:
    settings = stack_settings(stack)
    source = settings.get("source") or {}
    repository = Hosting(CLOUD / "git").path(source["repository"])
    if not push(repository, source.get("branch", "main")):
        return 0
    build = follow(f"{settings.get('name', 'Quest16')}-build")
    print(f"build {build['id']} {build['buildStatus']}", file=sys.stderr)
    return 0 if build["buildStatus"] == "SUCCEEDED" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
