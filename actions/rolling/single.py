"""One host without a balancer: its own nginx sends users to one of two containers, and stands for a target group."""

from collections.abc import Callable, Sequence

from actions.hosts.host import Host
from actions.hosts.machine import Certificate, ComposeMachine
from actions.rolling.plan import HEALTHY, UNUSED


class OwnNginx:
    """A host is in service when its nginx sends users to what is installed; the release before goes on until then."""

    def __init__(self, hosts: Sequence[Host], machine: Callable[[Host], ComposeMachine], drain_seconds: int) -> None:
        self._hosts, self._machine, self._drain_seconds = hosts, machine, drain_seconds

    def states(self) -> dict[str, str]:
        return {host.instance: self.state(host) for host in self._hosts}

    def state(self, host: Host) -> str:
        seen = self._machine(host).observe()
        return HEALTHY if seen.live and seen.state == "running" else UNUSED

    def reason(self, host: Host) -> str:
        return f"{host.name}: its nginx sends users to another container"

    def register(self, host: Host) -> None:
        """Users go over; requests that were begun are ended, within the drain time."""
        self._machine(host).go_over(self._drain_seconds)

    def certify(self, certificate: Certificate) -> None:
        """Users are shown an issued certificate from now on."""
        for host in self._hosts:
            self._machine(host).certify(certificate)

    def deregister(self, host: Host) -> None:
        """Nothing to do: what serves goes on until users have gone over."""
