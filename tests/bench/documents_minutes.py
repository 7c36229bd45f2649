"""A simulation, and nothing else: the document's own table of minutes, played through the graph of the bake.

No figure here was measured. The durations are the document's (its section 3), what is saved is what it expects to save
(its section 4), and the graph only decides what waits for what.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from actions.bake.graph import Path, critical_path, simulate, wall

Minutes = Mapping[str, float]

LEAST: Minutes = {
    "instance": 2, "ssh": 0, "source": 0.5, "download": 1, "upload": 0.5, "build": 5, "health": 1, "image": 2,
    "test instance": 2, "checks": 1, "cleanup": 1,
}  # fmt: skip
MOST: Minutes = {
    "instance": 5, "ssh": 5, "source": 1, "download": 3, "upload": 2, "build": 15, "health": 5, "image": 10,
    "test instance": 4, "checks": 5, "cleanup": 2,
}  # fmt: skip
ONE_BY_ONE = {after: [before] for before, after in zip(list(LEAST)[:-1], list(LEAST)[1:], strict=True)}
GRAPH: Mapping[str, Sequence[str]] = {
    "ssh": ["instance"],
    "upload": ["ssh", "download", "source"],
    "build": ["upload"],
    "health": ["build"],
    "image": ["health"],
    "test instance": ["image"],
    "checks": ["test instance"],
    "cleanup": ["checks"],
}
SLEEP = 1.0  # minute that the document sleeps after its test instance; polled here
BASE_IMAGE = (3.0, 8.0)  # minutes that it expects of a base image with Python and agents


@dataclass(frozen=True, kw_only=True)
class Case:
    """One way to work, and the minutes it would take by the document's figures."""

    name: str
    least: float
    most: float
    path: Path  # of the longer run


def cases() -> list[Case]:
    """From the document's sequence to a warm bake on a base image."""
    polled = [_less(minutes, {"test instance": SLEEP}) for minutes in (LEAST, MOST)]
    cached = [_less(minutes, {"download": minutes["download"]}) for minutes in polled]
    based = [_less(minutes, {"build": saved}) for minutes, saved in zip(cached, BASE_IMAGE, strict=True)]
    return [
        _case("the document's 18 steps, one after another", (LEAST, MOST), ONE_BY_ONE),
        _case("as a graph", (LEAST, MOST), GRAPH),
        _case("… and polled in place of 60 s of sleep", polled, GRAPH),
        _case("… and packages from the cache", cached, GRAPH),
        _case("… and on a base image", based, GRAPH),
    ]


def table(found: Sequence[Case]) -> str:
    lines = ["SIMULATION with the document's minutes, not a measurement:"]
    lines += [f"  {case.name:<45} {case.least:5.1f} – {case.most:4.1f} minutes" for case in found]
    lines.append("  an unchanged recipe                             0 minutes: nothing is started")
    lines.append(f"  critical path of the last: {' → '.join(found[-1].path.names)}")
    return "\n".join(lines)


def _less(minutes: Minutes, saved: Minutes) -> Minutes:
    return {step: max(0.0, took - saved.get(step, 0.0)) for step, took in minutes.items()}


def _case(name: str, both: Sequence[Minutes], graph: Mapping[str, Sequence[str]]) -> Case:
    least, most = both
    shorter, longer = simulate(least, graph), simulate(most, graph)
    return Case(name=name, least=wall(shorter), most=wall(longer), path=critical_path(longer))
