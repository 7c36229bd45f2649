"""Remove everything that carries the name of a run, and do not believe it before it is gone."""

from collections.abc import Callable

from actions.clock import Clock
from actions.errors import ReleaseError
from actions.openstack import polling
from actions.openstack.client import Refused
from actions.openstack.inventory import Inventory, Thing
from actions.progress import Progress

LATER = frozenset({400, 403, 409})  # still in use by something that goes away as well, or still being made


class Removal:
    """Asks for all at once, again for what was refused, until nothing is left."""

    def __init__(self, inventory: Inventory, clock: Clock, progress: Progress, *kinds: str) -> None:
        self._inventory, self._clock, self._progress = inventory, clock, progress
        self._kinds = kinds
        self._volumes: dict[str, Thing] = {}  # whose server, and with it their name, may go before they do
        self._refusals: dict[str, str] = {}
        self._said: set[str] = set()

    def all_of(self, run: str, seconds: float) -> list[str]:
        """What was there and is gone; `ReleaseError` names what is left after `seconds`."""
        return self.matching(lambda name: name == run, seconds)

    def matching(self, ours: Callable[[str], bool], seconds: float) -> list[str]:
        left: list[Thing] = []

        def look() -> bool | None:
            nonlocal left
            left = self._left(ours)
            for thing in left:
                self._ask(thing)
            return True if not left else None

        polling.until(self._clock, look, lambda: self._late(left, seconds), seconds)
        return sorted(self._said)

    def _left(self, ours: Callable[[str], bool]) -> list[Thing]:
        things = self._inventory.take(ours, *self._kinds)
        self._volumes |= {thing.id: thing for thing in things if thing.kind == "volume"}
        known = {thing.id for thing in things}
        for identity, thing in self._volumes.items():
            if identity not in known and self._inventory.volumes.find(identity) is not None:
                things.append(thing)
        return things

    def _ask(self, thing: Thing) -> None:
        if str(thing) not in self._said:
            self._progress.say(f"removing {thing} of {thing.run}")
            self._said.add(str(thing))
        try:
            thing.remove()
        except Refused as refused:
            if refused.status not in LATER:
                raise
            self._refusals[str(thing)] = str(refused)

    def _late(self, left: list[Thing], seconds: float) -> str:
        reasons = [self._refusals[str(thing)] for thing in left if str(thing) in self._refusals]
        why = f": {reasons[0]}" if reasons else ""
        return f"left after {seconds:.0f} s: {', '.join(map(str, left))}{why}"


def sweep(
    inventory: Inventory, ours: Callable[[str], bool], clock: Clock, progress: Progress, seconds: float
) -> list[str]:
    """Removes what earlier runs left; what is kept on purpose stays with all it needs.

    `ReleaseError` when something does not go.
    """
    kept = {thing.run for thing in inventory.take(ours) if thing.kept}
    for run in sorted(kept):
        progress.say(f"{run} is kept on purpose: python -m actions.end_run {run} removes it")
    try:
        return Removal(inventory, clock, progress).matching(lambda name: ours(name) and name not in kept, seconds)
    except ReleaseError as error:
        raise ReleaseError(f"what an earlier run left cannot be removed: {error}") from error
