"""A fleet that behaves: hosts with directories and containers as `actions.hosts` leaves them, behind a balancer.

`fleet.release("v2")` runs the very transaction; `fleet.points` kills it or lets calls fail anywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self, cast

from actions.clients import Clients
from actions.errors import ReleaseError
from actions.hosts.host import HealthLook, Host, HostError, Observed, StagedRelease
from actions.hosts.machine import Project
from actions.lifeline import Cancellation
from actions.progress import Progress
from actions.rolling.release import RollingRelease, World
from actions.rolling.request import HostAccess, RollingRequest
from actions.rolling.target_group import TargetGroup
from tests.simulated_cloud import Cloud, Points, digest_of
from tests.virtual_clock import Killed, VirtualClock

PULL_SECONDS, UP_SECONDS, START_SECONDS, LOOK_SECONDS = 10.0, 2.0, 3.0, 0.2
FLAP_SECONDS = 10.0  # half of it well, half of it not: never two good checks in a row


@dataclass(frozen=True, kw_only=True)
class Directory:
    digest: str
    fingerprint: str
    verified: bool = False


@dataclass
class SimulatedHost:
    """One machine. `kinds` tells what an image's container does: good, crash, error, flaps, hidden (from balancers)."""

    host: Host
    fleet: "SimulatedFleet"
    current: Directory | None = None
    next: Directory | None = None
    previous: Directory | None = None
    running: str = ""
    started: float = 0.0
    ledger: dict[str, Any] = field(default_factory=dict)
    reachable: bool = True
    docker: bool = True
    architecture: str = "amd64"
    free_mb: int = 5000
    compose_valid: bool = True
    in_flight_seconds: float = 0.0
    out_of_service: float = 0.0

    def kind(self) -> str:
        kinds = self.fleet.kinds.get(self.running, "good")
        return kinds.get(self.host.name, "good") if isinstance(kinds, dict) else kinds

    def up(self) -> bool:
        """Whether its container answers well on the host itself."""
        age = self.fleet.now - self.started - START_SECONDS
        if not self.running or age < 0:
            return False
        return self.kind() in ("good", "hidden") or (self.kind() == "flaps" and age % FLAP_SECONDS < FLAP_SECONDS / 2)

    def answers(self) -> bool:
        return self.up() and self.kind() != "hidden"

    # HostMachine
    def observe(self) -> Observed:
        self._call("observe", LOOK_SECONDS)
        current, staged = self.current, self.next
        return Observed(
            docker=self.docker,
            architecture=self.architecture,
            free_mb=self.free_mb,
            image=f"app@{self.running}" if self.running else "",
            digest=self.running,
            state=("restarting" if self.kind() == "crash" else "running") if self.running else "",
            installed=current.digest if current else "",
            installed_as=current.fingerprint if current else "",
            staged=staged.digest if staged else "",
            staged_as=staged.fingerprint if staged else "",
            verified=bool(current and current.verified),
            ledger=dict(self.ledger),
        )

    def stage(self, release: StagedRelease) -> None:
        self._call("stage", PULL_SECONDS)
        if not self.compose_valid:
            raise HostError(f"{self.host.name}: compose.yaml is not valid: services must be a mapping")
        self.next = Directory(digest=release.digest, fingerprint=release.fingerprint)
        self._done("staged")

    def migrate(self, command: str) -> None:
        self._call("migrate", UP_SECONDS)
        self.fleet.migrations.append(command)
        if self.fleet.migration_fails:
            raise HostError(f"{self.host.name}: `{command}` failed: no such table")

    def switch(self) -> None:
        self._call("switch", 0.0)
        if self.next:
            if self.current and (self.current.verified or not self.previous):
                self.previous = self.current
            self.current, self.next = self.next, None
        self._done("switch: directories moved")
        self._bring_up()

    def healthy(self) -> HealthLook:
        self._call("healthy", LOOK_SECONDS)
        up = self.up()
        state = "restarting" if self.kind() == "crash" else "running"
        return HealthLook(healthy=up, state=state, health="", answer="HTTP 200" if up else "HTTP 500", final=False)

    def back(self) -> None:
        self._call("back", 0.0)
        self.next = None
        if self.current and not self.current.verified:
            self.current, self.previous = self.previous, None
        self._done("back: directories moved")
        self._bring_up()

    def record(self, entry: Mapping[str, Any]) -> None:
        self._call("record", LOOK_SECONDS)
        if self.current is None:
            raise HostError(f"{self.host.name}: nothing is installed on it")
        self.ledger = {"current": dict(entry), "previous": self.ledger.get("current")}
        self.current = replace(self.current, verified=True)
        self._done("recorded")

    def log_tail(self, lines: int = 20) -> tuple[str, ...]:
        self._call("log_tail", LOOK_SECONDS)
        return ("ImportError: no module named teammoa",) if self.kind() == "crash" else ()

    def _bring_up(self) -> None:
        wanted = self.current.digest if self.current else ""
        if self.running != wanted:
            self.running, self.started = "", self.fleet.now
            self.fleet.changed()
            self.fleet.clock.pass_time(UP_SECONDS)
            self.running, self.started = wanted, self.fleet.now
        self._done("up")

    def _call(self, name: str, seconds: float) -> None:
        self.fleet.points.call(f"{self.host.name} {name}", HostError(f"{self.host.name}: {name} failed"))
        if not self.reachable:
            raise HostError(f"{self.host.name}: no SSH server answers at {self.host.address}: timed out")
        if not self.docker and name not in ("observe", "log_tail"):
            raise HostError(f"{self.host.name}: its Docker engine does not answer")
        if seconds:
            self.fleet.clock.pass_time(seconds)

    def _done(self, name: str) -> None:
        self.fleet.changed()
        self.fleet.points.here(f"{self.host.name} {name}")


class Quiet(Progress):
    """Keeps what would be printed."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)

    def detail(self, text: str) -> None:
        self.lines.append(text)


class Nobody:
    """Watchers that see nothing: the fleet itself watches every instant."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def result(self, drained: list[tuple[float, float]]) -> dict[str, Any]:
        return {"failures": 0, "drained": drained}

    def failures(self) -> str:
        return "no failed requests"


class SimulatedFleet:
    """`count` hosts on v1, verified and healthy, unless `empty`."""

    def __init__(self, count: int = 3, *, empty: bool = False, wave_size: int = 1, drain_seconds: int = 30) -> None:
        self.clock = VirtualClock()
        self.points = Points(self.clock)
        self.kinds: dict[str, str | dict[str, str]] = {}  # digest → kind, or by host name
        self.migrations: list[str] = []
        self.migration_fails = False
        self.migrate, self.compose = "", "services: {}"
        self.alarms: tuple[str, ...] = ()
        self.wave_size, self.drain_seconds = wave_size, drain_seconds
        self.rules: list[str] = []  # of the security group
        self.violations: list[str] = []
        self.expects_service = False
        self.progress = Quiet()
        self.cancellation = Cancellation()
        self.hosts = [
            SimulatedHost(Host(name=f"web-{n}", instance=f"i-{n:04}", address=f"10.0.0.{n}"), self)
            for n in range(1, count + 1)
        ]
        self._by_instance = {simulated.host.instance: simulated for simulated in self.hosts}
        self.cloud = Cloud(
            clock=self.clock,
            points=self.points,
            answers=lambda instance: self._by_instance[instance].answers(),
            in_flight=lambda instance: self.now + self._by_instance[instance].in_flight_seconds,
            drain_seconds=drain_seconds,
            changed=self.changed,
            images={tag: ("amd64", "arm64") for tag in ("v1", "v2", "v3")},
        )
        if not empty:
            self.release("v1")
        self.expects_service = not empty
        self.violations.clear()
        self.points.reset()

    @property
    def now(self) -> float:
        return self.clock.time

    def changed(self) -> None:
        """After every change anywhere: somebody who answers must be in service."""
        serving = [
            instance
            for instance, target in self.cloud.targets.items()
            if target.state == "healthy" and self._by_instance[instance].answers()
        ]
        if self.expects_service and not serving:
            self.violations.append(f"{self.now:.1f} s: nobody serves: {self.cloud.targets}")

    def request(self, tag: str) -> RollingRequest:
        return RollingRequest(
            image=f"registry/app:{tag}",
            hosts=tuple(simulated.host for simulated in self.hosts),
            wave_size=self.wave_size,
            target_group="arn:tg",
            port=8000,
            url="http://balancer/health/",
            websocket_url="",
            drain_seconds=self.drain_seconds,
            health_retries=3,
            health_interval_seconds=10,
            migrate=self.migrate,
            compose=self.compose,
            nginx="",
            variables={},
            alarms=self.alarms,
            table="releases",
            region="us-east-1",
            passes=3,
            timeout_seconds=120,
            project=Project(name="app", directory="/opt/app", region="us-east-1"),
            access=HostAccess(method="ssh", key_parameter="/k", host_keys_prefix="/h", security_group="sg-1"),
        )

    def release(self, tag: str) -> dict[str, Any]:
        """One run, as a process of its own would do it."""
        self.progress = Quiet()
        self.cancellation = Cancellation()
        world = World(
            aws=cast(Clients, self.cloud),
            access=self,
            targets=TargetGroup(cast(Clients, self.cloud), "arn:tg", 8000, self.clock),
            clock=self.clock,
            progress=self.progress,
            cancellation=self.cancellation,
            balanced=self._balanced,
            everywhere=self._everywhere,
            watchers=lambda _serving: Nobody(),
        )
        return RollingRelease(self.request(tag), world).run()

    def killed_at(self, point: int, tag: str) -> bool:
        """Runs a release that is killed at this point; False when it ended before."""
        self.points.reset()
        self.points.kill_at = point
        try:
            self.release(tag)
        except Killed:
            self.points.reset()
            self.cloud.table.get("lock", {})["expires"] = {"N": "0"}  # its time has passed
            return True
        except ReleaseError:
            pass
        killed = self.clock.dead
        self.points.reset()
        return killed

    def versions(self) -> list[str]:
        """What each host runs, and in service."""
        states = {instance: target.state for instance, target in self.cloud.targets.items()}
        return [
            simulated.running.removeprefix("sha256:")
            if states.get(simulated.host.instance) == "healthy" and simulated.answers()
            else f"({simulated.running.removeprefix('sha256:')} {states.get(simulated.host.instance, 'unused')})"
            for simulated in self.hosts
        ]

    def _balanced(self, passes: int) -> int:
        self.points.here("balancer")
        for _ in range(60):
            healthy = [i for i, target in self.cloud.targets.items() if target.state == "healthy"]
            if healthy and all(self._by_instance[instance].answers() for instance in healthy):
                return 5
            self.clock.wait(1.0)
        raise ReleaseError("the balancer does not answer well")

    def _everywhere(self) -> None:
        self._balanced(1)

    # Access
    def __enter__(self) -> Self:
        self.points.call("open port 22", HostError("port 22 could not be opened"))
        self.rules = ["mine"]
        self.points.here("opened")
        return self

    def __exit__(self, *_: object) -> None:
        self.points.here("close port 22")
        self.rules.clear()

    def machine(self, host: Host) -> SimulatedHost:
        return self._by_instance[host.instance]


__all__ = ["Killed", "SimulatedFleet", "digest_of"]
