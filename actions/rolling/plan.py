"""Decide what a rolling release has to do: plain values in, plain values out, no call anywhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from actions.errors import ReleaseError
from actions.hosts.host import Host, Observed

HEALTHY, UNUSED = "healthy", "unused"


class Work(Enum):
    """What a host needs until it serves the wanted release."""

    NOTHING = "serves it already"
    FINISH = "runs it, but does not serve yet"
    REPLACE = "runs something else"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A host as it was found."""

    host: Host
    observed: Observed
    target: str  # its state in the target group; `unused` when it is not registered

    @property
    def serving(self) -> bool:
        return self.target == HEALTHY


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The release to bring into service."""

    digest: str
    content: str  # fingerprint of everything a host gets with it


@dataclass(frozen=True, kw_only=True)
class Step:
    """One host and what it needs."""

    host: Host
    work: Work


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Waves in their order; hosts of one wave move at once."""

    waves: tuple[tuple[Step, ...], ...]
    done: tuple[Host, ...]  # nothing to do there

    @property
    def moved(self) -> tuple[Host, ...]:
        return tuple(step.host for wave in self.waves for step in wave)

    @property
    def replaced(self) -> tuple[Host, ...]:
        return tuple(step.host for wave in self.waves for step in wave if step.work is Work.REPLACE)


@dataclass(frozen=True, kw_only=True)
class Undoing:
    """Hosts that return to what was verified on them: first who does not serve, then the others, last moved first."""

    resting: tuple[Host, ...]
    serving: tuple[Host, ...]


def work_of(standing: Standing, wanted: Wanted) -> Work:
    """By facts only, so that an interrupted release is finished rather than begun again."""
    seen = standing.observed
    installed = seen.installed == wanted.digest and seen.installed_as == wanted.content
    if not (installed and seen.digest == wanted.digest and seen.state == "running"):
        return Work.REPLACE
    if standing.serving:
        return Work.NOTHING
    return Work.REPLACE if seen.staged else Work.FINISH


def plan_release(standings: Sequence[Standing], wanted: Wanted, wave_size: int, *, beside: bool = False) -> Plan:
    """Hosts that do not serve come first and all at once: they take nothing away, and what was cut off is healed.

    `beside`: a host serves on while its new container comes up. Raises `ReleaseError` when a wave would leave no
    healthy target.
    """
    works = {standing.host.name: work_of(standing, wanted) for standing in standings}
    steps = [(standing, Step(host=standing.host, work=works[standing.host.name])) for standing in standings]
    resting = tuple(step for standing, step in steps if step.work is not Work.NOTHING and not standing.serving)
    serving = [step for standing, step in steps if step.work is not Work.NOTHING and standing.serving]
    waves = tuple(tuple(serving[start : start + wave_size]) for start in range(0, len(serving), wave_size))
    for wave in waves:
        if len(wave) >= len(standings) and not beside:
            names = ", ".join(step.host.name for step in wave)
            raise ReleaseError(
                f"a wave of {names} would leave no healthy target: expected at least 1 other host, found "
                f"{len(standings) - len(wave)}; add a host or set a smaller wave"
            )
    done = tuple(standing.host for standing in standings if works[standing.host.name] is Work.NOTHING)
    return Plan(waves=((resting,) if resting else ()) + waves, done=done)


def others_healthy(states: Mapping[str, str], leaving: Sequence[Host]) -> bool:
    """Whether somebody else serves. `states`: instance → state in the target group."""
    gone = {host.instance for host in leaving}
    return any(state == HEALTHY for instance, state in states.items() if instance not in gone)


def guard_problem(states: Mapping[str, str], leaving: Sequence[Host], firing: Sequence[str]) -> str:
    """Why these hosts must not leave the service now, or ''. Who serves nobody takes nothing away."""
    if not any(states.get(host.instance, UNUSED) == HEALTHY for host in leaving):
        return ""
    if not others_healthy(states, leaving):
        gone = {host.instance for host in leaving}
        found = ", ".join(f"{instance} {state}" for instance, state in sorted(states.items()) if instance not in gone)
        return f"cannot leave the service: expected at least 1 other healthy target, found {found or 'none'}"
    if firing:
        return f"cannot leave the service while {', '.join(firing)} is firing"
    return ""


def looping(states: Sequence[str]) -> bool:
    """Whether the looks at a container, oldest first, show one that starts again and again."""
    return sum(state == "restarting" for state in states) >= 2


def unrecorded(standings: Sequence[Standing], verified: Wanted | None) -> tuple[Host, ...]:
    """Hosts that serve the verified release whole, but whose run was cut off before it wrote their ledgers."""
    return tuple(
        standing.host
        for standing in standings
        if verified
        and not standing.observed.verified
        and standing.observed.installed_as == verified.content
        and standing.observed.installed == standing.observed.digest == verified.digest
        and standing.serving
    )


def to_take_back(standings: Sequence[Standing], touched: Sequence[Host], digest: str) -> Undoing:
    """Which hosts must return, from facts. `touched`: in the order in which this run moved them."""
    order = {host.name: place for place, host in enumerate(touched)}
    resting = tuple(standing.host for standing in standings if not standing.serving)
    serving = [
        standing.host
        for standing in standings
        if standing.serving
        and not standing.observed.verified
        and (standing.host.name in order or standing.observed.installed == digest)
    ]
    return Undoing(resting=resting, serving=tuple(sorted(serving, key=lambda host: -order.get(host.name, -1))))
