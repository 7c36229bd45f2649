"""The transaction of a rolling release, in whatever world it is given: a real one, or a simulated one in a test."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from actions import checklist
from actions.clients import Clients
from actions.clock import Clock
from actions.errors import Cancelled, ReleaseError
from actions.hosts.host import Access, Observed, StagedRelease
from actions.lifeline import Cancellation
from actions.lock import Journal, Lock
from actions.progress import Progress
from actions.records import Records
from actions.rolling import proof as proofs
from actions.rolling.course import HostFailed, Tools
from actions.rolling.fleet import Fleet
from actions.rolling.plan import HEALTHY, Plan, Wanted, plan_release, unrecorded
from actions.rolling.preflight import SPARE_MB, Preflight
from actions.rolling.request import RollingRequest
from actions.rolling.target_group import Targets, text_of

LOCK_MARGIN_SECONDS = 60
SETTLING_SECONDS = 60  # how long a target that was registered just before is waited for


class Watchers(Protocol):
    """Users of the service for the length of the release."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def result(self, drained: list[tuple[float, float]]) -> dict[str, Any]: ...

    def failures(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class World:
    """Where a release happens: a real one, or a simulated one in a test."""

    aws: Clients
    access: Access
    targets: Targets
    clock: Clock
    progress: Progress
    cancellation: Cancellation
    balanced: Callable[[int], int]  # so many good answers through the balancer; milliseconds of the slowest
    everywhere: Callable[[], None]  # users' requests are answered well, whichever host they meet
    watchers: Callable[[bool], Watchers]  # whether something is served already


class RollingRelease:
    """One run of the transaction."""

    def __init__(self, asked: RollingRequest, world: World) -> None:
        self._asked, self._world = asked, world
        self._clock, self._progress = world.clock, world.progress
        self._records = Records(world.aws, asked.table)
        self._lock = Lock(world.aws, asked.table, world.cancellation, world.progress)
        self._tools = Tools(
            asked=asked,
            clock=world.clock,
            targets=world.targets,
            access=world.access,
            progress=world.progress,
            firing=self._firing,
            everywhere=world.everywhere,
            allowed=self._allowed,
        )
        self._fleet = Fleet(self._tools)
        self._returning = False
        self._settled = False  # every host is released or at rest again: no later run has anything to mend

    def run(self) -> dict[str, Any]:
        """The proof of the verified release. Raises `ReleaseError` after everything was undone."""
        turns = 1 + -(-len(self._asked.hosts) // self._asked.wave_size)
        patience = 2 * turns * (self._asked.drain_seconds + self._asked.timeout_seconds) + LOCK_MARGIN_SECONDS
        with self._progress.step("lock"):
            self._lock.acquire(wait_seconds=patience)
        try:
            with self._world.access:
                return self._locked()
        finally:
            with self._clock.shielded():
                self._lock.release(forget=self._settled)

    def _firing(self) -> list[str]:
        """Alarms that stop a host from leaving; a return to a verified release waits for none."""
        return [] if self._returning else checklist.firing_alarms(self._world.aws, self._asked.alarms)

    def _allowed(self) -> None:
        if not self._lock.held():
            raise Cancelled("another run holds the release lock now: it finishes or restores this release")

    def _locked(self) -> dict[str, Any]:
        verified = self._records.verified()
        interrupted = self._lock.inherited.revision
        if interrupted:
            self._progress.say(f"finishing after a release of {interrupted} that was cut off")
        self._returning = proofs.is_return(self._asked, verified) or bool(interrupted)
        preflight = Preflight(self._world.aws, self._tools, self._fleet, self._returning)
        with self._progress.step("preflight"):
            image = preflight.run()
        release = self._asked.staged(image.digest, image.size_mb + SPARE_MB)
        wanted = Wanted(digest=release.digest, content=release.fingerprint)
        plan = self._plan(preflight.observed, wanted, verified)
        watchers = self._world.watchers(any(state == HEALTHY for state in self._tools.targets.states().values()))
        watchers.start()
        try:
            proof = self._bring(plan, release, verified, watchers)
        except Exception as failure:
            watchers.stop()
            self._undo(wanted, watchers, failure)
            raise
        finally:
            watchers.stop()
        self._settled = True
        self._fleet.record(self._asked.hosts, proofs.ledger_entry(proof))
        self._progress.say(f"released {self._asked.tag} on {len(self._asked.hosts)} hosts: {watchers.failures()}")
        return proof

    def _plan(self, observed: dict[str, Observed], wanted: Wanted, verified: dict[str, Any] | None) -> Plan:
        """What is to do, with what a run that was cut off left behind."""
        self._wait_for_new_targets()
        standings = self._fleet.standings(observed)
        left = unrecorded(standings, proofs.verified_of(verified))
        if verified and left:
            self._fleet.record(left, proofs.ledger_entry(verified))
            observed |= {host.name: self._tools.access.machine(host).observe() for host in left}
            standings = self._fleet.standings(observed)
        plan = plan_release(standings, wanted, self._asked.wave_size, beside=self._asked.single)
        previous = verified["digest"] if verified else ""
        self._lock.write_journal(Journal(revision=self._asked.tag, previous=previous))
        waves = " | ".join(" ".join(step.host.name for step in wave) for wave in plan.waves)
        self._progress.say(f"{self._asked.tag} is {wanted.digest[:19]}; waves: {waves or 'nothing to do'}")
        return plan

    def _wait_for_new_targets(self) -> None:
        """A target that a run registered just before it was cut off may become healthy by itself."""
        deadline = self._clock.now() + SETTLING_SECONDS
        while self._lock.inherited.revision and "initial" in self._tools.targets.states().values():
            if self._clock.now() >= deadline:
                return
            self._clock.wait(1.0)

    def _bring(
        self, plan: Plan, release: StagedRelease, verified: dict[str, Any] | None, watchers: Watchers
    ) -> dict[str, Any]:
        """Every host on the release, verified and recorded; the proof."""
        wanted = Wanted(digest=release.digest, content=release.fingerprint)
        if plan.replaced:
            with self._progress.step("stage"):
                self._progress.say(f"staging on {len(plan.replaced)} hosts, which go on serving")
                self._fleet.stage(plan.replaced, release)
            if self._asked.migrate:
                with self._progress.step("migrate"):
                    self._progress.say(f"migrating on {plan.replaced[0].name}: {self._asked.migrate}")
                    self._fleet.migrate(plan.replaced[0], self._asked.migrate)
        with self._progress.step("waves"):
            self._fleet.walk(plan)
        with self._progress.step("verify"):
            running, passed = self._verify(wanted)
        watchers.stop()
        proof = proofs.proof_of(self._asked, wanted, plan, running, self._fleet.seen, verified)
        proof |= {"number": self._lock.number, "verification": passed}
        proof["probe"] = watchers.result(self._drained())
        proof["seconds"] = {**self._progress.seconds, "total": round(self._progress.elapsed(), 1)}
        self._records.record_verified(proof, self._lock.number)
        return proof

    def _verify(self, wanted: Wanted) -> tuple[dict[str, Observed], dict[str, Any]]:
        slowest = self._world.balanced(self._asked.passes)
        running: dict[str, Observed] = {}
        for name, look in self._fleet.observe(patiently=True).items():
            if isinstance(look, Exception):
                raise look
            running[name] = look
        strange = [f"{name} runs {look.digest or 'nothing'}" for name, look in running.items()
                   if look.digest != wanted.digest]  # fmt: skip
        if strange:
            raise ReleaseError(f"expected {wanted.digest} on every host, found: {', '.join(strange)}")
        ill = [f"{standing.host.name} {standing.target}" for standing in self._fleet.standings(running)
               if not standing.serving]  # fmt: skip
        if ill:
            raise ReleaseError(f"expected every host healthy in the target group, found: {', '.join(ill)}")
        self._progress.say(
            f"verified: {self._asked.passes} passes, {len(running)} hosts healthy on {wanted.digest[:19]}"
        )
        return running, {"passes": self._asked.passes, "slowest_ms": slowest, "healthy_targets": len(running)}

    def _drained(self) -> list[tuple[float, float]]:
        """From the end of each host's drain to its return, in seconds since the release began."""
        shift = self._progress.elapsed() - self._clock.now()
        return [
            (seen.drained_at + shift, seen.served_at + shift)
            for seen in self._fleet.seen.values()
            if seen.drained_at is not None and seen.served_at is not None
        ]

    def _undo(self, wanted: Wanted, watchers: Watchers, failure: Exception) -> None:
        """Every host that moved returns to what was verified on it; says what failed and what was undone."""
        say, detail = self._progress.say, self._progress.detail
        failed = failure if isinstance(failure, HostFailed) else HostFailed("", "")
        lines = proofs.failure_lines(text_of(failure), failed.log_tail, failed.health_log)
        say(f"release of {self._asked.tag} failed: {lines[0]}")
        for line in lines[1:]:
            detail(line)
        detail(f"users saw {watchers.failures()}")
        with self._clock.shielded(), self._progress.step("undo"):
            try:
                problems = self._fleet.take_back(wanted.digest)
            except (ReleaseError, ClientError, BotoCoreError) as error:
                problems = [text_of(error)]
        for problem in problems:
            say(f"NOT undone: {problem}")
        if problems:
            detail("the next `pulumi up` finishes or restores this release; see docs/runbooks/teammoa.md")
            return
        self._settled = True
        moved = ", ".join(host.name for host in self._fleet.touched)
        say(
            f"undone: what was verified before serves again on {moved}"
            if moved
            else "nothing had moved: every host is as it was"
        )
        detail("next: mend the image or set imageTag to a good one, then `pulumi up`; the preview shows it as pending")
