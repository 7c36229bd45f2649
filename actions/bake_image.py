"""Make the run's server into what the image shall hold, and shut it off: one payload, installed, healthy, sealed.

Run by `pulumi up`; may be repeated and killed at any point. A server that is not marked as sealed is built again from
the beginning, one that is marked is brought to its end.
"""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from actions.bake import part, secrets
from actions.bake.health import Patience, become_healthy
from actions.bake.part import Part
from actions.bake.payload import Payload, assemble, commit_of
from actions.bake.prepare import prepare
from actions.bake.request import BuildRequest
from actions.bake.sealing import Nova, Sealing
from actions.bake.server import CHANGE_SECONDS, Server, packed
from actions.clock import Clock, RealClock
from actions.environment import text
from actions.lifeline import Cancellation
from actions.openstack.servers import servers_from_environment
from actions.progress import Progress


class Build:
    """One run."""

    def __init__(
        self,
        environment: Mapping[str, str],
        nova: Nova,
        clock: Clock,
        cancellation: Cancellation,
        progress: Progress,
    ) -> None:
        self._environment, self._cancellation, self._progress = environment, cancellation, progress
        self._request = BuildRequest.of(environment)
        self._secrets = secrets.values(environment)
        self._commit = commit_of(environment)
        self._clock, self._part = clock, Part()
        self._sealing = Sealing(nova, self._request.server, self._request.recipe, clock, progress)

    def run(self) -> dict[str, Any]:
        """What was observed. Raises `ReleaseError`."""
        request = self._request
        observed: dict[str, Any] = {}
        with Server(request.login, request.answer_seconds, self._cancellation) as server:
            if self._sealing.begun():
                with self._part.step("seal", after=["prepare"]):
                    self._sealing.resume(server, self._commit, request.stop_seconds)
            else:
                observed = self._build(server)
        self._progress.say(f"{server.name}: sealed and shut off")
        return self._part.done(sealed=request.recipe, commit=self._commit, **observed)

    def _build(self, server: Server) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as place:
            waited_for = [name for name, variable in PARTS.items() if self._environment.get(variable)]
            with self._part.step("upload", after=["prepare", *waited_for]):
                payload = assemble(self._request, self._environment, Path(place), self._cancellation)
                server.send(payload.path, payload.sha256, self._progress.say)
            self._progress.say(f"{server.name}: {payload.path.stat().st_size / 1e6:.1f} MB arrived")
        self._install(server, payload)
        with self._part.step("start", after=["install"]):
            observed = self._start(server)
        with self._part.step("seal", after=["start"]):
            self._sealing.seal(server, self._commit, self._request.stop_seconds)
        return {**observed, "payload": payload.sha256}

    def _install(self, server: Server, payload: Payload) -> None:
        request = self._request
        with self._part.step("install", after=["upload"]):
            prepare(server, self._environment)  # again: another server may have had the name a moment ago
            server.run(
                "install",
                request.install_seconds,
                PAYLOAD=payload.sha256,
                PYTHON=request.python,
                OFFLINE=str(request.offline).lower(),
                INDEX_URL=request.index,
            )
        self._progress.say(f"{server.name}: installed {', '.join(request.units)}")

    def _start(self, server: Server) -> dict[str, Any]:
        request = self._request
        server.run("secrets", CHANGE_SECONDS, VALUES=packed(secrets.as_lines(self._secrets)))
        server.run("start", CHANGE_SECONDS)
        patience = Patience(limit=request.health_seconds, interval=request.health_interval)
        look = become_healthy(server, request.port, request.health_path, patience, self._clock, self._progress)
        self._progress.say(f"{server.name}: {', '.join(look.units)} run{look.answer and f', {look.answer}'}")
        return {"services": {name: state for name, (state, _) in look.units.items()}, "health": look.answer}


PARTS = {"wheels": "WHEELS", "agents": "AGENTS", "source": "SOURCE_PART"}  # the steps whose results go along


def work(cancellation: Cancellation, progress: Progress) -> dict[str, Any]:
    text("SERVER")
    clock = RealClock(cancellation)
    nova = servers_from_environment(clock, os.environ)
    return Build(os.environ, nova, clock, cancellation, progress).run()


if __name__ == "__main__":
    part.main(work)
