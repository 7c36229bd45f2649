"""The steps of a bake as a graph over time: pure figures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Step:
    """Times in seconds since one common moment."""

    name: str
    began: float
    ended: float
    after: tuple[str, ...] = ()  # names of steps; those that are not there took no time

    @property
    def seconds(self) -> float:
        return self.ended - self.began


@dataclass(frozen=True, kw_only=True)
class Path:
    """The longest chain of steps that wait for each other: what no more machines would shorten."""

    names: tuple[str, ...]
    seconds: float


def read(parts: Iterable[Mapping[str, Any]]) -> list[Step]:
    """The steps of several parts, the first one beginning at 0; one that was done again counts once, as it was last.

    A step begins when all it waited for had ended, also where its process was there before.
    """
    found = {one["name"]: one for part in parts for one in part.get("steps", ())}
    zero = min((one["began"] for one in found.values()), default=0.0)
    steps = []
    for name, one in found.items():
        after = tuple(one.get("after") or ())
        waited = max((found[other]["ended"] for other in after if other in found), default=one["began"])
        began = min(max(one["began"], waited), one["ended"])
        steps.append(Step(name=name, began=began - zero, ended=one["ended"] - zero, after=after))
    return sorted(steps, key=lambda step: (step.began, step.ended))


def wall(steps: Sequence[Step]) -> float:
    return max((step.ended for step in steps), default=0.0) - min((step.began for step in steps), default=0.0)


def critical_path(steps: Sequence[Step]) -> Path:
    """Raises `ValueError` when steps wait for each other in a circle."""
    by_name = {step.name: step for step in steps}
    best: dict[str, Path] = {}

    def longest(name: str, waiting: tuple[str, ...]) -> Path:
        if name in waiting:
            raise ValueError(f"these steps wait for each other: {', '.join(waiting)}")
        if name not in best:
            befores = [longest(other, (*waiting, name)) for other in by_name[name].after if other in by_name]
            before = max(befores, key=lambda path: path.seconds, default=Path(names=(), seconds=0.0))
            best[name] = Path(names=(*before.names, name), seconds=before.seconds + by_name[name].seconds)
        return best[name]

    paths = [longest(step.name, ()) for step in steps]
    return max(paths, key=lambda path: path.seconds, default=Path(names=(), seconds=0.0))


def simulate(durations: Mapping[str, float], after: Mapping[str, Sequence[str]]) -> list[Step]:
    """Every step begins as soon as those it waits for have ended. A simulation: the durations are given."""
    ended: dict[str, Step] = {}

    def run(name: str) -> Step:
        if name not in ended:
            waits = tuple(other for other in after.get(name, ()) if other in durations)
            began = max((run(other).ended for other in waits), default=0.0)
            ended[name] = Step(name=name, began=began, ended=began + durations[name], after=waits)
        return ended[name]

    for name in durations:
        run(name)
    return sorted(ended.values(), key=lambda step: (step.began, step.ended))
