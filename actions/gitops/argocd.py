"""Argo CD's REST API: refresh an application, and wait until it serves a commit or says why it does not."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from actions.errors import ReleaseError
from actions.lifeline import Cancellation
from actions.progress import Progress

TIMEOUT = (5, 20)
POLL_SECONDS = 1.0
LOOKS = 2  # in a row: a resource may be degraded for a moment while pods are exchanged
SHOWN = 500  # characters of a health message


@dataclass(frozen=True, kw_only=True)
class Look:
    """One application as Argo CD sees it now."""

    revision: str
    sync: str  # Synced | OutOfSync | Unknown
    health: str  # Healthy | Progressing | Degraded | Missing | Suspended | Unknown
    problem: str  # why it cannot become what git says; empty when nothing is wrong

    def __str__(self) -> str:
        return f"{self.sync} at {self.revision[:8] or 'no revision'}, {self.health}"


class ArgoCd:
    """One server, asked with one token."""

    def __init__(self, url: str, token: str) -> None:
        self._url = f"{url}/api/v1/applications"
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"

    def refresh(self, application: str) -> None:
        """Have git read again now; otherwise that happens every three minutes."""
        self._get(application, "?refresh=normal")

    def look(self, application: str) -> Look:
        status = self._get(application).get("status", {})
        sync = status.get("sync", {})
        health = status.get("health", {}).get("status", "Unknown")
        return Look(
            revision=str(sync.get("revision", "")),
            sync=str(sync.get("status", "Unknown")),
            health=str(health),
            problem=_problem(status) or (self._degraded(application) if health == "Degraded" else ""),
        )

    def _degraded(self, application: str) -> str:
        """The health messages of the resources that are degraded."""
        nodes = self._get(application, "/resource-tree").get("nodes", [])
        found = [
            f"{node.get('kind')} {node.get('name')}: {node['health'].get('message', 'no message')}"
            for node in nodes
            if node.get("health", {}).get("status") == "Degraded"
        ]
        return ("; ".join(found) or "it names no resource that is degraded")[:SHOWN]

    def _get(self, application: str, more: str = "") -> dict[str, Any]:
        response = self._session.get(f"{self._url}/{application}{more}", timeout=TIMEOUT)
        if response.status_code in (401, 403, 404):
            why = {401: "the token is missing, wrong or expired"}.get(
                response.status_code, "there is no such application, or the token may not see it"
            )
            raise ReleaseError(f"Argo CD refuses {application} with {response.status_code}: {why}")
        response.raise_for_status()
        content: dict[str, Any] = response.json()
        return content


def _problem(status: dict[str, Any]) -> str:
    """What keeps it from being synced: values that do not render, a sync that failed."""
    for condition in status.get("conditions", []):
        if str(condition.get("type", "")).endswith("Error"):
            return f"{condition['type']}: {condition.get('message', '')}"[:SHOWN]
    operation = status.get("operationState", {})
    revision = operation.get("syncResult", {}).get("revision")
    if operation.get("phase") in ("Failed", "Error") and revision == status.get("sync", {}).get("revision"):
        return f"its sync failed: {operation.get('message', '')}"[:SHOWN]
    return ""


@dataclass(kw_only=True)
class Waiting:
    """Follows one application until it serves a commit."""

    argocd: ArgoCd
    application: str
    serves: Callable[[str], bool]  # whether a revision holds the commit
    cancellation: Cancellation
    progress: Progress
    _shown: str = ""
    _bad: int = 0

    def until(self, deadline: float) -> Look:
        """The look that is Synced and Healthy at the commit; `ReleaseError` with the reason otherwise."""
        last, unreachable = "nothing yet", ""
        asked = False
        while True:
            self.cancellation.check()
            try:
                if not asked:
                    self.argocd.refresh(self.application)
                    asked = True
                look = self.argocd.look(self.application)
                last, unreachable = str(look), ""
                if self._good(look):
                    return look
            except requests.RequestException as error:
                unreachable = f"Argo CD cannot be reached: {error}"
            if time.monotonic() > deadline:
                raise ReleaseError(
                    unreachable or f"{self.application} did not become Synced and Healthy in time: {last}"
                )
            self.cancellation.wait(POLL_SECONDS)

    def _good(self, look: Look) -> bool:
        if str(look) != self._shown:
            self._shown = str(look)
            self.progress.say(f"{self.application}: {look}")
        ours = bool(look.revision) and self.serves(look.revision)
        bad = ours and bool(look.problem) and (look.health == "Degraded" or look.sync != "Synced")
        self._bad = self._bad + 1 if bad else 0
        if self._bad >= LOOKS:
            raise ReleaseError(f"{self.application} is {look}: {look.problem}")
        return ours and look.sync == "Synced" and look.health == "Healthy"
