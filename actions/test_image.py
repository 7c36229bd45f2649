"""Try a server that was made from an image: every check at once, from the first moment it has an address.

Run by `pulumi up`; changes nothing but, where the application needs secrets to start, a file in the server's memory.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from actions.bake import part, secrets
from actions.bake.agents import NONE
from actions.bake.arrival import Arrival
from actions.bake.inside import Inside, Wrong
from actions.bake.outside import NotYet, Outside
from actions.bake.part import Part
from actions.bake.server import CHANGE_SECONDS, Login, Server, number, packed
from actions.clock import Clock, RealClock
from actions.errors import ReleaseError
from actions.lifeline import Cancellation
from actions.openstack.servers import servers_from_environment
from actions.progress import Progress

CHECKS = ("services", "health", "root", "metrics", "node_exporter", "log_agent", "time", "leftovers")
FIRST_SECONDS = 0.5


class ChecksFailed(ReleaseError):
    """Names every check that does not hold."""


@dataclass(frozen=True, kw_only=True)
class TrialRequest:
    """What a server made from the image has to show."""

    login: Login
    port: int
    exporter_port: int
    node_exporter: str  # its version, or empty
    log_agent: str
    health_path: str
    boot_seconds: float  # until the server is ACTIVE
    health_seconds: float
    health_interval: float
    time_seconds: float  # until the clock is synchronised
    time_tolerance: float
    metrics: tuple[str, ...]
    checks: tuple[str, ...]

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "TrialRequest":
        seconds = partial(number, environment=environment, kind=float)
        asked = tuple(name for name in (environment.get("CHECKS") or ",".join(CHECKS)).split(",") if name)
        unknown = [name for name in asked if name not in CHECKS]
        if unknown:
            raise ReleaseError(f"CHECKS has no {', '.join(unknown)}, only {', '.join(CHECKS)}")
        exporter, agent = environment.get("NODE_EXPORTER", ""), environment.get("LOG_AGENT") or NONE
        there = {"node_exporter": bool(exporter), "log_agent": agent != NONE}
        return cls(
            login=Login.of(environment),
            port=number("PORT", 8000, environment, int),
            exporter_port=number("NODE_EXPORTER_PORT", 9100, environment, int),
            node_exporter=exporter,
            log_agent=agent,
            health_path=environment.get("HEALTH_PATH") or "/health",
            boot_seconds=seconds("BOOT_SECONDS", 300.0),
            health_seconds=seconds("HEALTH_SECONDS", 90.0),
            health_interval=seconds("HEALTH_INTERVAL", 5.0),
            time_seconds=seconds("TIME_SECONDS", 60.0),
            time_tolerance=seconds("TIME_TOLERANCE", 1.0),
            metrics=tuple((environment.get("METRICS") or "http_requests_total").split(",")),
            checks=tuple(name for name in asked if there.get(name, True)),
        )

    @property
    def units(self) -> tuple[str, ...]:
        exporter = ("node_exporter",) if self.node_exporter else ()
        return ("photo-api", *exporter, *((self.log_agent,) if self.log_agent != NONE else ()))


class Trial:
    """One run."""

    def __init__(
        self,
        request: TrialRequest,
        values: Mapping[str, str],
        this: Part,
        clock: Clock,
        progress: Progress,
    ) -> None:
        self._request, self._values = request, values
        self._part, self._clock, self._progress = this, clock, progress

    def run(self, server: Server) -> dict[str, Any]:
        """What every check found. `ChecksFailed` names those that do not hold, after all have been made."""
        if self._values:
            with self._part.step("secrets", after=["server"]):
                server.run("secrets", CHANGE_SECONDS, VALUES=packed(secrets.as_lines(self._values)))
                server.run("start", CHANGE_SECONDS)
        checks = self._checks(server)
        jobs = [partial(self._hold, name, check) for name, check in checks.items()]
        outcomes = dict(zip(checks, self._clock.together(jobs), strict=True))
        self._clock.check()
        failed = {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, Exception)}
        if failed:
            told = "; ".join(f"{name}: {error}" for name, error in failed.items())
            raise ChecksFailed(f"{len(failed)} of {len(checks)} checks do not hold: {told}")
        self._progress.say(f"{server.name}: all {len(checks)} checks hold")
        return {"checks": outcomes}

    def _checks(self, server: Server) -> dict[str, Callable[[], str]]:
        request = self._request
        outside = Outside(address=request.login.address, port=request.port, exporter_port=request.exporter_port)
        inside = Inside(server=server, port=request.port, health_path=request.health_path)
        known: dict[str, Callable[[], str]] = {
            "services": partial(inside.services, request.units),
            "health": partial(outside.health, request.health_path),
            "root": outside.root,
            "metrics": partial(outside.metrics, request.metrics),
            "node_exporter": partial(outside.exporter, request.node_exporter),
            "log_agent": partial(inside.log_agent, request.log_agent),
            "time": partial(inside.time, request.time_tolerance),
            "leftovers": partial(inside.leftovers, self._values),
        }
        return {name: known[name] for name in request.checks}

    def _hold(self, name: str, check: Callable[[], str]) -> str:
        """What the check found once it holds; the last reason when its time is over."""
        limit = self._request.time_seconds if name == "time" else 0.0
        deadline, pause = self._clock.now() + max(limit, self._request.health_seconds), FIRST_SECONDS
        with self._part.step(name, after=["secrets" if self._values else "server"]):
            while True:
                try:
                    found = check()
                    self._progress.say(f"OK  {name}: {found}")
                    return found
                except (Wrong, NotYet, ReleaseError) as error:
                    if not isinstance(error, NotYet) or self._clock.now() > deadline:
                        self._progress.say(f"NG  {name}: {error}")
                        raise
                self._clock.wait(min(pause, self._request.health_interval))
                pause *= 1.5


def work(cancellation: Cancellation, progress: Progress) -> dict[str, Any]:
    request, this, clock = TrialRequest.of(os.environ), Part(), RealClock(cancellation)
    values = secrets.values()

    def on_server() -> dict[str, Any]:
        with Server(request.login, request.health_seconds, cancellation) as server:
            return Trial(request, values, this, clock, progress).run(server)

    arrival = Arrival(servers_from_environment(clock), request.login.run, request.boot_seconds, clock)
    return this.done(**arrival.then(this, number("BEGAN", this.began, os.environ, float), on_server))


if __name__ == "__main__":
    part.main(work)
