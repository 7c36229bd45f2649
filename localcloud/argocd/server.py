"""Argo CD as a release sees it: it reads git when asked, syncs by itself, and tells the health of what it rendered.

An application goes OutOfSync → Synced and Progressing → Healthy, or Degraded when the registry lacks a tag or the tag
is one of the bad ones. Values that are no YAML are a ComparisonError, as with the real one.
"""

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import yaml

from localcloud.github.git import Git
from localcloud.web import Call, LoopbackServer, Reply

ROUTE = re.compile(r"/api/v1/applications/([\w.-]+)(/resource-tree)?")


@dataclass(kw_only=True)
class Application:
    """One application: a values file on a branch, and how far it has followed it."""

    name: str
    git: Git
    branch: str
    file: str
    sync_seconds: float = 1.0
    progress_seconds: float = 1.0
    stuck: bool = False  # never syncs
    revision: str = ""
    previous: str = "Healthy"
    since: float = 0.0

    def refresh(self) -> None:
        """Follow the branch, if it has moved."""
        head = self.git.resolve(f"refs/heads/{self.branch}") or ""
        if head != self.revision:
            self.previous = "Healthy" if not self.revision else "Progressing"
            self.revision, self.since = head, time.monotonic()

    def elapsed(self) -> float:
        return time.monotonic() - self.since

    def tags(self) -> dict[str, str] | None:
        """Component → tag at the revision; None when the values cannot be read."""
        found = self.git.content(self.revision, self.file)
        try:
            content: Any = yaml.safe_load(found[1]) if found else None
            parts = content["astrago"]
            return {name: str(part["imageTag"]) for name, part in parts.items() if "imageTag" in (part or {})}
        except (yaml.YAMLError, TypeError, KeyError):
            return None


@dataclass(kw_only=True)
class ArgoWorld:
    """What the double knows."""

    applications: dict[str, Application] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    bad: set[str] = field(default_factory=set)  # tags whose pods crash
    has: Callable[[str], bool] = lambda tag: True  # whether the registry has a tag
    down: bool = False
    calls: list[str] = field(default_factory=list)

    def failures(self, application: Application) -> dict[str, str]:
        """Component → why its pods do not run."""
        found = {}
        for component, tag in (application.tags() or {}).items():
            if tag in self.bad:
                found[component] = f'Deployment "{component}" exceeded its progress deadline: CrashLoopBackOff of {tag}'
            elif not self.has(tag):
                found[component] = f"Back-off pulling image {tag}: not found"
        return found

    def status(self, application: Application) -> dict[str, Any]:
        """The `status` of the application now."""
        elapsed = application.elapsed()
        if application.revision and application.tags() is None:
            message = f"Failed to load target state: {application.file} does not render"
            conditions = [{"type": "ComparisonError", "message": message}]
            return _status(application, "Unknown", application.previous, conditions)
        if not application.revision or application.stuck or elapsed < application.sync_seconds:
            return _status(application, "OutOfSync", application.previous, [])
        if elapsed < application.sync_seconds + application.progress_seconds:
            return _status(application, "Synced", "Progressing", [])
        return _status(application, "Synced", "Degraded" if self.failures(application) else "Healthy", [])

    def tree(self, application: Application) -> dict[str, Any]:
        """The resources with their health."""
        bad = self.failures(application)
        nodes = [
            {
                "kind": "Deployment",
                "name": f"astrago-{component}",
                "health": {"status": "Degraded", "message": bad[component]}
                if component in bad
                else {"status": "Healthy"},
            }
            for component in application.tags() or {}
        ]
        return {"nodes": nodes}


def _status(application: Application, sync: str, health: str, conditions: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "sync": {"status": sync, "revision": application.revision},
        "health": {"status": health},
        "conditions": conditions,
    }


class ArgoServer(LoopbackServer):
    """The double on a port of the loopback address, for the length of a `with`."""

    def __init__(self, world: ArgoWorld, port: int = 0) -> None:
        self.world = world
        self._lock = threading.Lock()
        super().__init__(self._handle, port)

    def _handle(self, call: Call) -> Reply | None:
        with self._lock:
            self.world.calls.append(f"{call.method} {call.path}")
            if self.world.down:
                return None
            url = urlsplit(call.path)
            found = ROUTE.fullmatch(url.path)
            if call.headers.get("Authorization", "").removeprefix("Bearer ") not in self.world.tokens:
                return _json(401, {"error": "no session information", "code": 16})
            application = self.world.applications.get(found[1]) if found else None
            if found is None or application is None or call.method != "GET":
                return _json(403, {"error": "permission denied", "code": 7})  # also for what does not exist
            if found[2]:
                return _json(200, self.world.tree(application))
            if "refresh=" in url.query:
                application.refresh()
            return _json(200, {"metadata": {"name": application.name}, "status": self.world.status(application)})


def _json(status: int, content: Any) -> Reply:
    return Reply(status=status, body=json.dumps(content).encode(), headers={"Content-Type": "application/json"})
