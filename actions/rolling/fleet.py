"""The fleet: every host observed, staged and moved, wave by wave; and the way back from facts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from actions.errors import Cancelled, ReleaseError
from actions.hosts.host import Host, Observed, StagedRelease
from actions.rolling.course import Abandoned, Course, HostFailed, Seen, Tools, Wave
from actions.rolling.plan import Plan, Standing, Step, Work, to_take_back
from actions.rolling.target_group import text_of

TRIES = 3  # of what undoes or records: giving up there leaves work behind
BETWEEN_SECONDS = 1.0

T = TypeVar("T")


@dataclass
class Fleet:
    """All hosts of one release, by the tools of one world."""

    tools: Tools
    touched: list[Host] = field(default_factory=list)  # in the order in which they moved
    seen: dict[str, Seen] = field(default_factory=dict)  # by host name

    def observe(self, *, patiently: bool = False) -> dict[str, Observed | Exception]:
        """One look at every host at once, by name; `patiently`: a look that fails is repeated."""
        hosts = self.tools.asked.hosts
        looking = [self.tools.access.machine(host).observe for host in hosts]
        jobs = [partial(self._patiently, look) for look in looking] if patiently else looking
        looks = self.tools.clock.together(jobs)
        return {host.name: look for host, look in zip(hosts, looks, strict=True)}

    def standings(self, observed: Mapping[str, Observed]) -> tuple[Standing, ...]:
        """Hosts that could be observed, with their states in the target group."""
        states = self.tools.targets.states()
        return tuple(
            Standing(host=host, observed=observed[host.name], target=states.get(host.instance, "unused"))
            for host in self.tools.asked.hosts
            if host.name in observed
        )

    def stage(self, hosts: Sequence[Host], release: StagedRelease) -> None:
        """The image and its files onto every host at once, while all serve."""
        self._all([partial(self.tools.access.machine(host).stage, release) for host in hosts])

    def migrate(self, host: Host, command: str) -> None:
        self.tools.access.machine(host).migrate(command)

    def walk(self, plan: Plan) -> None:
        """A wave begins only when every host of the one before serves the new version."""
        for number, wave in enumerate(plan.waves, 1):
            names = ", ".join(step.host.name for step in wave)
            self.tools.progress.say(f"wave {number} of {len(plan.waves)}: {names}")
            self.tools.allowed()
            self._wave(wave)

    def take_back(self, digest: str) -> list[str]:
        """Every host returns to what was verified on it; what could not be undone, in one sentence each."""
        problems: list[str] = []
        observed: dict[str, Observed] = {}
        for name, look in self.observe(patiently=True).items():
            if isinstance(look, Observed):
                observed[name] = look
            else:
                problems.append(f"{name}: {text_of(look)}")
        undoing = to_take_back(self.standings(observed), self.touched, digest)
        size = self.tools.asked.wave_size
        waves = [undoing.resting] if undoing.resting else []
        waves += [undoing.serving[start : start + size] for start in range(0, len(undoing.serving), size)]
        for wave in waves:
            self.tools.allowed()
            problems += self._back(wave)
        return problems

    def record(self, hosts: Sequence[Host], entry: dict[str, Any]) -> None:
        """What runs there is verified, say their ledgers; one that cannot be written is written next time."""
        machines = [self.tools.access.machine(host) for host in hosts]
        results = self.tools.clock.together(
            [partial(self._patiently, partial(machine.record, entry)) for machine in machines]
        )
        for host, result in zip(hosts, results, strict=True):
            if isinstance(result, Exception):
                self.tools.progress.say(f"{host.name}: its ledger was not written: {text_of(result)}")

    def _wave(self, steps: Sequence[Step]) -> None:
        wave = Wave([step.host for step in steps])
        courses = [Course(self.tools, step.host, wave) for step in steps]
        self.touched += wave.hosts
        jobs = [
            course.replace if step.work is Work.REPLACE else course.finish
            for course, step in zip(courses, steps, strict=True)
        ]
        try:
            self._all(jobs)
        finally:
            self.seen |= {step.host.name: course.seen for step, course in zip(steps, courses, strict=True)}

    def _back(self, hosts: Sequence[Host]) -> list[str]:
        def back(host: Host) -> None:
            self._patiently(lambda: Course(self.tools, host, Wave(hosts)).back())

        results = self.tools.clock.together([partial(back, host) for host in hosts])
        return [text_of(result) for result in results if isinstance(result, Exception)]

    def _all(self, jobs: Sequence[Callable[[], None]]) -> None:
        """Runs all at once. Raises the failure that says most: a host's own before those it caused."""
        failures = [result for result in self.tools.clock.together(jobs) if isinstance(result, Exception)]
        for kind in (HostFailed, ReleaseError):
            for failure in failures:
                if isinstance(failure, kind) and not isinstance(failure, (Abandoned, Cancelled)):
                    raise failure
        if failures:
            raise failures[0]

    def _patiently(self, work: Callable[[], T]) -> T:
        """Repeats what may be repeated, a few times."""
        for _ in range(TRIES - 1):
            try:
                return work()
            except Cancelled:
                raise
            except (ReleaseError, ClientError, BotoCoreError):
                self.tools.clock.wait(BETWEEN_SECONDS)
        return work()
