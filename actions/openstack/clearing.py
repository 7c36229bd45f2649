"""Remove what an interrupted run made and could not write down, right before it is made again under the same name."""

from collections.abc import Mapping

from actions.clock import RealClock
from actions.lifeline import Cancellation
from actions.openstack import credentials
from actions.openstack.client import OpenStack
from actions.openstack.inventory import Inventory
from actions.openstack.removal import Removal
from actions.progress import Progress

SECONDS = 120.0


class Clearing:
    """One session for all that is cleared."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._clock = RealClock(Cancellation())
        self._inventory = Inventory(OpenStack(credentials.from_environment(environment)), self._clock)

    def clear(self, kind: str, run: str) -> None:
        """`ReleaseError` when something does not go."""
        if kind == "key pair":
            self._inventory.key_pairs.delete(run)
        else:
            Removal(self._inventory, self._clock, Progress(), kind).all_of(run, SECONDS)

    def fault(self, run: str) -> str:
        """What Nova says about a server that could not be made; nothing when it says nothing."""
        return next((server.fault for server in self._inventory.servers.named(run) if server.fault), "")
