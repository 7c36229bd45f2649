"""One host through its transaction: out of the balancer, onto another version, back into service."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from actions.clock import Clock
from actions.errors import Cancelled, ReleaseError
from actions.hosts.host import Access, Host, HostError
from actions.progress import Progress
from actions.rolling.health import LocalHealth
from actions.rolling.plan import HEALTHY, UNUSED, guard_problem, others_healthy
from actions.rolling.request import RollingRequest
from actions.rolling.target_group import Targets, text_of

POLL_SECONDS = 1.0
OUT_OF_SERVICE = (UNUSED, "draining")  # a register call is needed


@dataclass
class HostFailed(ReleaseError):
    """A host did not get through its transaction."""

    host: str
    reason: str
    log_tail: tuple[str, ...] = ()
    health_log: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.host}: {self.reason}"


class Abandoned(ReleaseError):
    """Another host of the same wave failed, so this one does not go on."""


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What every host's transaction needs of the world."""

    asked: RollingRequest
    clock: Clock
    targets: Targets
    access: Access
    progress: Progress
    firing: Callable[[], list[str]]  # alarms
    everywhere: Callable[[], None]  # users' requests are answered well, whichever host they meet
    allowed: Callable[[], None]  # raises `Cancelled` when this run may not change anything any more


@dataclass
class Wave:
    """Hosts that move at once; one that fails stops the others at their next wait."""

    hosts: Sequence[Host]
    failed: str = ""

    def check(self) -> None:
        if self.failed:
            raise Abandoned(f"{self.failed} of the same wave failed")


@dataclass
class Seen:
    """What was observed of one host's transaction; seconds by step."""

    steps: dict[str, float] = field(default_factory=dict)
    drained_by: str = "not registered"
    left_at: float | None = None
    drained_at: float | None = None
    served_at: float | None = None

    @property
    def out_of_service_seconds(self) -> float:
        if self.left_at is None or self.served_at is None:
            return 0.0
        return round(self.served_at - self.left_at, 1)


class Course:
    """The transaction of one host within its wave."""

    def __init__(self, tools: Tools, host: Host, wave: Wave) -> None:
        self._tools, self._host, self._wave = tools, host, wave
        self._clock, self._targets = tools.clock, tools.targets
        self._machine = tools.access.machine(host)
        self._health = LocalHealth(self._machine, tools.clock)
        self.seen = Seen()

    def replace(self) -> None:
        """The staged release instead of what runs. Raises `HostFailed` or `Abandoned`; undoes nothing itself."""
        with self._reported():
            self._leave(alarms=True)
            with self._step("switch"):
                self._machine.switch()
            self._arrive()
            self._balanced()

    def finish(self) -> None:
        """Into service with what is installed: a switch that was cut off is completed."""
        with self._reported():
            with self._step("switch"):
                self._machine.switch()
            self._arrive()
            self._balanced()

    def back(self) -> bool:
        """What was verified here serves again; False where nothing was there before."""
        with self._reported():
            observed = self._machine.observe()
            whole = observed.verified and observed.digest == observed.installed and observed.state == "running"
            if not whole:
                self._leave(alarms=False)
                with self._step("back"):
                    self._machine.back()
                if not self._machine.observe().installed:
                    self._say("nothing was there before, and nothing is now")
                    return False
            self._arrive()
            return True

    def _leave(self, *, alarms: bool) -> None:
        """Out of the balancer with nothing in flight, or with the drain time used up."""
        self._wave.check()
        with self._step("guard"):
            firing = self._tools.firing() if alarms else []
            states = self._targets.states()
            beside = self._tools.asked.single  # what serves goes on serving beside the new container
            if problem := guard_problem({} if beside else states, self._wave.hosts, firing):
                raise ReleaseError(problem)
            self._tools.allowed()
        state = states.get(self._host.instance, UNUSED)
        if state == UNUSED or self._tools.asked.single:
            return
        with self._step("drain"):
            self._drain(state)
        with self._step("settle"):
            if state == HEALTHY and not others_healthy(self._targets.states(), self._wave.hosts):
                raise ReleaseError("the last other healthy target was lost while this host drained")

    def _drain(self, state: str) -> None:
        self.seen.left_at = self._clock.now()
        if state != "draining":
            self._targets.deregister(self._host)
        limit = self._tools.asked.drain_seconds
        deadline = self.seen.left_at + limit
        while self._state() != UNUSED and (left := deadline - self._clock.now()) > 0:
            self._wait(min(POLL_SECONDS, left))
        self.seen.drained_at = self._clock.now()
        took = self.seen.drained_at - self.seen.left_at
        self.seen.drained_by = "limit" if took >= limit else "unused"
        if took >= limit:
            self._say(f"still draining after {limit} s: goes on, and the balancer cuts what is left")
        self._say(f"out of service, drained in {took:.1f} s")

    def _arrive(self) -> None:
        with self._step("local health"):
            self._health.become(self._tools.asked.local_health_seconds, lambda: self._wait(POLL_SECONDS))
        with self._step("into service"):
            if self._targets.state(self._host) in OUT_OF_SERVICE:
                self._targets.register(self._host)
            self._become_healthy_target()
        self.seen.served_at = self._clock.now()
        out = "" if self.seen.left_at is None else f", {self.seen.out_of_service_seconds} s out of it"
        self._say(f"in service{out}")

    def _become_healthy_target(self) -> None:
        """Raises `ReleaseError` when the balancer does not take the host in time, or keeps calling it unhealthy."""
        asked = self._tools.asked
        deadline = self._clock.now() + asked.timeout_seconds
        bad_since: float | None = None
        while (state := self._state()) != HEALTHY:
            self._health.stay()
            now = self._clock.now()
            bad_since = (bad_since or now) if state == "unhealthy" else None
            if now >= deadline or (bad_since is not None and now - bad_since >= asked.local_health_seconds):
                reason = self._targets.reason(self._host)
                raise ReleaseError(f"expected a healthy target, found {state} after its registration: {reason}")
            self._wait(POLL_SECONDS)

    def _balanced(self) -> None:
        with self._step("balancer"):
            self._tools.everywhere()

    def _state(self) -> str:
        """The target's state; a look that fails is repeated at the next poll, since every wait has its deadline."""
        try:
            return self._targets.state(self._host)
        except (ClientError, BotoCoreError) as error:
            self._say(f"the target group could not be asked: {text_of(error)}")
            return "unknown"

    def _wait(self, seconds: float) -> None:
        self._wave.check()
        self._clock.wait(seconds)
        self._wave.check()

    def _say(self, text: str) -> None:
        self._tools.progress.say(f"{self._host.name}: {text}")

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        began = self._clock.now()
        try:
            yield
        finally:
            self.seen.steps[name] = round(self._clock.now() - began, 1)

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Failures name the host and bring what it said; the others of the wave hear of it."""
        try:
            yield
        except (Abandoned, Cancelled):
            raise
        except (ReleaseError, ClientError, BotoCoreError) as error:
            self._wave.failed = self._wave.failed or self._host.name
            raise HostFailed(self._host.name, text_of(error), self._log_tail(), tuple(self._health.log)) from error

    def _log_tail(self) -> tuple[str, ...]:
        if "switch" not in self.seen.steps:
            return ()
        try:
            return self._machine.log_tail()
        except HostError as error:
            return (f"no log: {error}",)
