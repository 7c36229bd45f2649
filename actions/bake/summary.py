"""`python -m actions.bake.summary`: what the steps of a run took, its critical path, and a picture of the graph."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from actions.bake import graph, part, picture
from actions.bake.graph import Step
from actions.environment import text
from actions.errors import ReleaseError
from actions.lifeline import Cancellation
from actions.progress import Progress


def table(steps: Sequence[Step], path: graph.Path) -> str:
    """One line per step in the order of their beginnings; `*` marks the critical path."""
    width = max((len(step.name) for step in steps), default=0)
    lines = [f"  {'step':<{width}}  began  seconds"]
    for step in steps:
        mark = "*" if step.name in path.names else " "
        lines.append(f"{mark} {step.name:<{width}} {step.began:6.1f}  {step.seconds:7.1f}")
    total = graph.wall(steps)
    lines.append(f"critical path: {' → '.join(path.names)} = {path.seconds:.1f} s")
    lines.append(f"in all {total:.1f} s, {ratio(total, path):.2f} × the critical path")
    return "\n".join(lines)


def ratio(total: float, path: graph.Path) -> float:
    return total / path.seconds if path.seconds else 1.0


def summarize(environment: Mapping[str, str]) -> dict[str, Any]:
    """Table, figures and the picture's place, as the directory was named."""
    run, directory = text("RUN", environment), text("ARTIFACTS", environment)
    steps = graph.read(_parts(text("PARTS", environment)))
    path, total = graph.critical_path(steps), graph.wall(steps)
    title = f"{environment.get('TITLE') or run}: {total:.1f} s, critical path {path.seconds:.1f} s"
    name = f"{run}.svg"
    place = Path(directory).expanduser()
    place.mkdir(parents=True, exist_ok=True)
    fresh = place / f".{name}.new"
    fresh.write_text(picture.draw(title, steps, path))
    fresh.replace(place / name)
    return {
        "table": table(steps, path),
        "picture": f"{directory.rstrip('/')}/{name}",
        "seconds": round(total, 1),
        "critical_path": list(path.names),
        "critical_seconds": round(path.seconds, 1),
        "ratio": round(ratio(total, path), 3),
    }


def _parts(given: str) -> list[Mapping[str, Any]]:
    """Each is a part or what its command printed; an empty one is a stage that was turned off."""
    try:
        parts = [json.loads(one) if isinstance(one, str) else one for one in json.loads(given) if one]
    except ValueError as error:
        raise ReleaseError("PARTS must be a JSON list of what the commands of this run printed") from error
    return [one for one in parts if isinstance(one, dict)]


def work(_: Cancellation, progress: Progress) -> dict[str, Any]:
    found = summarize(os.environ)
    for line in found["table"].splitlines():
        progress.detail(line)
    progress.say(f"the picture is {found['picture']}")
    return found


if __name__ == "__main__":
    part.main(work)
