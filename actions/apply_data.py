"""Bring the data host's compose project and its backups to what is declared; what did not change is left alone.

Run by `pulumi up`; progress on standard error, what was observed as one JSON object on standard output. The first run
makes the database. A project that does not become healthy goes back to the one before it.
"""

import json
import sys
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from actions import data_host, lifeline
from actions.data_host import DataRequest
from actions.errors import Cancelled, ReleaseError
from actions.hosts.data import DataMachine
from actions.hosts.host import HealthLook
from actions.lifeline import Cancellation
from actions.permissions import refusal
from actions.progress import Progress

POLL_SECONDS = 2.0
BACK_SECONDS = 300.0  # for what was there before to be healthy again


class DataUp:
    """One run."""

    def __init__(self, request: DataRequest, cancellation: Cancellation, progress: Progress) -> None:
        self._request, self._cancellation, self._progress = request, cancellation, progress

    def run(self) -> dict[str, Any]:
        """What was observed. Raises `ReleaseError` after everything was undone."""
        with data_host.reached(self._request, self._cancellation, self._progress) as machine:
            seen = machine.observe()
            if not seen.docker:
                raise ReleaseError(f"{machine.host.name}: its Docker engine does not answer")
            fingerprint = self._request.release.fingerprint
            changed = not (seen.verified and seen.installed_as == fingerprint and machine.healthy().healthy)
            if changed:
                self._bring_up(machine)
            else:
                self._progress.say(f"{machine.host.name}: {self._request.project.name} is as declared")
            with self._progress.step("backup"):
                next_backup = machine.install_backup(self._request.backups, self._request.schedule)
            self._progress.say(f"{machine.host.name}: the next backup is made {next_backup or 'at no known time'}")
            return {
                "host": machine.host.name,
                "project": self._request.project.name,
                "changed": changed,
                "fingerprint": fingerprint,
                "next_backup": next_backup,
                "seconds": {**self._progress.seconds, "total": round(self._progress.elapsed(), 1)},
            }

    def _bring_up(self, machine: DataMachine) -> None:
        with self._progress.step("stage"):
            machine.stage(self._request.release)
        self._progress.say(f"{machine.host.name}: staged")
        try:
            with self._progress.step("up"):
                machine.switch()
                self._become_healthy(machine, self._request.timeout_seconds)
            machine.record({"digest": self._request.release.fingerprint, "verified_at": _now()})
        except (ReleaseError, ClientError, BotoCoreError) as failure:
            self._progress.say(f"{machine.host.name}: {failure}")
            with self._cancellation.shielded(), self._progress.step("undo"):
                self._undo(machine)
            raise
        self._progress.say(f"{machine.host.name}: every container is healthy")

    def _undo(self, machine: DataMachine) -> None:
        for line in machine.log_tail():
            self._progress.detail(f"log | {line}")
        machine.back()
        if machine.observe().installed_as:
            self._become_healthy(machine, BACK_SECONDS)
            self._progress.say("undone: what was there before serves again")
        else:
            self._progress.say("undone: nothing was there before, and nothing is now; volumes stay")

    def _become_healthy(self, machine: DataMachine, seconds: float) -> HealthLook:
        deadline = time.monotonic() + seconds
        while not (look := machine.healthy()).healthy:
            if look.final or time.monotonic() > deadline:
                state = f"{look.state} {look.health}".strip()
                raise ReleaseError(f"expected healthy containers within {seconds:.0f} s, found one {state}")
            self._cancellation.wait(POLL_SECONDS)
        return look


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def work(cancellation: Cancellation) -> int:
    progress = Progress()
    try:
        print(json.dumps(DataUp(data_host.from_environment(), cancellation, progress).run()), flush=True)
    except (ReleaseError, ClientError, BotoCoreError) as error:
        kind = "cancelled" if isinstance(error, Cancelled) else "failed"
        progress.say(f"{kind}: {refusal(error) if isinstance(error, ClientError) else error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(lifeline.run(work))
