"""`python -m actions.bake.cached`: which of wheels, agents and source the cache holds already; changes nothing."""

import os
from collections.abc import Mapping
from typing import Any

from actions.bake import cache, part
from actions.bake.agents import Agents
from actions.bake.source import Source
from actions.bake.wheels import Wheelhouse
from actions.lifeline import Cancellation
from actions.progress import Progress


def held(environment: Mapping[str, str]) -> dict[str, bool]:
    """By name; a stage that is turned off has none."""
    found: dict[str, bool] = {}
    if environment.get("REQUIREMENTS"):
        house = Wheelhouse.of(environment)
        found["wheels"] = cache.holds(house.cache, "wheels", house.key())
    agents = Agents.of(environment)
    if agents.wanted:
        found["agents"] = cache.holds(agents.cache, "agents", agents.key())
    if environment.get("SOURCE"):
        source = Source.of(environment)
        found["source"] = cache.holds(source.cache, "source", source.key())
    return found


def work(_: Cancellation, __: Progress) -> dict[str, Any]:
    return dict(held(os.environ))


if __name__ == "__main__":
    part.main(work)
