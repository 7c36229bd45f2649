"""Where the local cloud's repositories lie: bare git repositories that stand for those of GitHub.

`https://github.com/<owner>/<name>(.git)` is `<home>/git/<owner>/<name>.git`. A push runs the repository's hook, which
tells the cloud, signed with the secret of the webhook, as GitHub does.
"""

import hashlib
import hmac
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

LOCATION = re.compile(r"https://[^/]+/([\w.-]+)/([\w.-]+?)(?:\.git)?/?$")
PAYLOAD_PATH = "/_localcloud/push"
_HOOK = """#!{python}
import hashlib, hmac, json, sys, urllib.request

for line in sys.stdin:
    before, after, ref = line.split()
    body = json.dumps({{"repository": {repository!r}, "ref": ref, "before": before, "after": after}}).encode()
    signature = "sha256=" + hmac.new({secret!r}.encode(), body, hashlib.sha256).hexdigest()
    request = urllib.request.Request({url!r}, body, {{"X-Hub-Signature-256": signature}})
    try:
        print(urllib.request.urlopen(request, timeout=20).read().decode().strip())
    except OSError as error:
        print(f"the webhook does not answer: {{error}}")
"""


class GitError(Exception):
    """git refused; the text is its own last line."""


@dataclass(frozen=True, kw_only=True)
class Push:
    repository: str  # owner/name
    ref: str
    before: str
    after: str


class Hosting:
    """The repositories below one directory."""

    def __init__(self, root: Path, port: int = 0) -> None:
        self.root, self._port = root, port

    def path(self, location: str) -> Path:
        """The bare repository of an address; raises `GitError` for what is no address of a repository."""
        found = LOCATION.fullmatch(location)
        if found is None:
            raise GitError(f"{location!r} is not the address of a repository, such as https://github.com/owner/name")
        return self.root / found[1] / f"{found[2]}.git"

    def hook(self, location: str, secret: str) -> None:
        """Have pushes told to the cloud."""
        path = self.path(location)
        if not path.exists():
            git("init", "--quiet", "--bare", "--initial-branch=main", str(path))
        script = _HOOK.format(
            python=sys.executable,
            repository=name_of(location),
            secret=secret,
            url=f"http://127.0.0.1:{self._port}{PAYLOAD_PATH}",
        )
        file = path / "hooks" / "post-receive"
        file.parent.mkdir(exist_ok=True)
        file.write_text(script)
        file.chmod(0o700)  # it holds the secret

    def unhook(self, location: str) -> None:
        (self.path(location) / "hooks" / "post-receive").unlink(missing_ok=True)

    def commit(self, location: str, version: str) -> str:
        """The commit a branch, tag or commit names."""
        path = self.path(location)
        if not path.exists():
            raise GitError(f"repository {location} not found")
        for name in (version, f"refs/heads/{version}", f"refs/tags/{version}"):
            try:
                return git("-C", str(path), "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").strip()
            except GitError:
                continue
        raise GitError(f"reference not found for primary source and source version {version}")

    def archive(self, location: str, commit: str) -> bytes:
        """The files of a commit as a tar."""
        done = subprocess.run(["git", "-C", str(self.path(location)), "archive", commit], capture_output=True)
        if done.returncode != 0:
            raise GitError(done.stderr.decode().strip())
        return done.stdout


def name_of(location: str) -> str:
    found = LOCATION.fullmatch(location)
    return f"{found[1]}/{found[2]}" if found else location


def signed(secret: str, body: bytes, signature: str) -> bool:
    return hmac.compare_digest("sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(), signature)


def push_of(body: bytes) -> Push:
    return Push(**json.loads(body))


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise GitError((done.stderr.strip().splitlines() or [f"git ended {done.returncode}"])[-1])
    return done.stdout
