"""What must be there before a run makes anything: looked at all at once, printed as a list of OK and NG."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from actions.clock import Clock
from actions.errors import PreflightFailed, ReleaseError
from actions.openstack.client import OpenStack, Refused
from actions.openstack.images import Images
from actions.openstack.network import Network
from actions.progress import Progress


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the run will use, each by name or id."""

    image: str
    flavor: str
    network: str
    pool: str  # the outside network of floating IPs
    secrets: Mapping[str, str]  # VARIABLE of the application → variable of the runner's environment


class Preflight:
    """The checks of one run."""

    def __init__(self, cloud: OpenStack, wanted: Wanted, environment: Mapping[str, str]) -> None:
        self._cloud, self._wanted, self._environment = cloud, wanted, environment

    def run(self, clock: Clock, progress: Progress) -> tuple[str, str]:
        """The network's id and the pool's name; raises `PreflightFailed` with every NG line."""
        self._cloud.token()  # nothing else can be looked at without
        checks: dict[str, Callable[[], str]] = {
            "image": self._image,
            "flavor": self._flavor,
            "network": lambda: self._network(self._wanted.network)["name"],
            "pool": lambda: self._network(self._wanted.pool)["name"],
            "secrets": self._secrets,
        }
        problems = []
        for name, result in zip(checks, clock.together(list(checks.values())), strict=True):
            if isinstance(result, Exception) and not isinstance(result, ReleaseError):
                raise result
            progress.detail(f"{'NG' if isinstance(result, Exception) else 'OK'}  {name:<12} {result}")
            if isinstance(result, Exception):
                problems.append(f"{name}: {result}")
        if problems:
            raise PreflightFailed("; ".join(problems))
        return self._network(self._wanted.network)["id"], self._network(self._wanted.pool)["name"]

    def _image(self) -> str:
        image = Images(self._cloud).find(self._wanted.image)
        if image is None or image.status != "active":
            state = "there is none" if image is None else f"it is {image.status}"
            raise ReleaseError(f"{self._wanted.image} must be an active image, but {state}")
        return f"{image.name} ({image.id})"

    def _flavor(self) -> str:
        names = []
        for flavor in self._cloud.pages("compute", "/flavors/detail", "flavors"):
            names.append(str(flavor["name"]))
            if self._wanted.flavor in (flavor["name"], flavor["id"]):
                return self._room(flavor)
        raise ReleaseError(f"there is no {self._wanted.flavor}, only {', '.join(sorted(names)) or 'none at all'}")

    def _room(self, flavor: dict[str, Any]) -> str:
        """Whether the quota holds one more server of this flavor."""
        limits = self._limits()
        for what, most, used, more in (
            ("servers", "maxTotalInstances", "totalInstancesUsed", 1),
            ("cores", "maxTotalCores", "totalCoresUsed", flavor.get("vcpus", 0)),
            ("MB of memory", "maxTotalRAMSize", "totalRAMUsed", flavor.get("ram", 0)),
        ):
            quota, taken = limits.get(most, -1), limits.get(used, 0)
            if 0 <= quota < taken + more:
                raise ReleaseError(f"the quota is exceeded: {taken} of {quota} {what} are used, and {more} are needed")
        return str(flavor["name"])

    def _limits(self) -> dict[str, int]:
        try:
            found: dict[str, int] = self._cloud.get("compute", "/limits")["limits"]["absolute"]
        except Refused as refused:
            if refused.status == 404:
                return {}  # a cloud that does not tell refuses by itself
            raise
        return found

    @cached_property
    def _networks(self) -> list[dict[str, Any]]:
        return Network(self._cloud).networks()

    def _network(self, wanted: str) -> dict[str, Any]:
        for network in self._networks:
            if wanted in (network["id"], network["name"]):
                return network
        names = ", ".join(sorted(str(network["name"]) for network in self._networks)) or "none at all"
        raise ReleaseError(f"there is no {wanted}, only {names}")

    def _secrets(self) -> str:
        missing = [name for name in self._wanted.secrets.values() if not self._environment.get(name)]
        if missing:
            raise ReleaseError(f"{', '.join(missing)} must be in the environment of whoever runs `pulumi up`")
        return f"{len(self._wanted.secrets)} in the environment"


def wanted(environment: Mapping[str, str]) -> Wanted:
    return Wanted(
        image=environment["IMAGE"],
        flavor=environment["FLAVOR"],
        network=environment["NETWORK"],
        pool=environment["POOL"],
        secrets=json.loads(environment.get("SECRETS") or "{}"),
    )
