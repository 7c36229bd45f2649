"""A run as a resource: made before everything that carries its name, and gone last, when it sees that nothing is left.

`BakeRun` declares, `actions.begin_run` and `actions.end_run` act.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from components.openstack_access import OpenStackAccess
from components.release import process

PLACE = ("OS_AUTH_URL", "OS_REGION_NAME", "OS_TENANT_ID", "OS_PROJECT_NAME")  # elsewhere it is another run
MADE = ("run", "began", "cidr", "login_key", "login_public", "host_key", "host_public", "network_id", "pool", "steps")
SECRET = ["login_key", "host_key"]


@dataclass(frozen=True, kw_only=True)
class RunPlace:
    """Where a run takes place, and what every run keeps to."""

    access: OpenStackAccess
    flavor: str
    network: str  # name or id
    pool: str  # name or id of the outside network
    volume_gb: int | None  # size of the root volume; None: the flavor has a local disk
    availability_zone: str | None
    user: str  # who logs in
    runner_cidr: str | None  # from where; None: asked at `address_url`
    address_url: str
    sweep_hours: float  # older leftovers of earlier runs are removed
    skip_cleanup: bool
    cleanup_seconds: int
    cache: str  # directory

    def __post_init__(self) -> None:
        if self.sweep_hours <= 0:
            raise ValueError(f"sweepHours must be more than 0, got {self.sweep_hours:g}")


class RunProvider(ResourceProvider):
    """Another recipe, kind or place is another run; what else changes is written down."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        made = process.run("actions.begin_run", variables=_variables(props))
        return CreateResult(made["run"], {**props, **made})

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        replaces = [key for key in ("kind", "recipe") if olds.get(key) != news[key]]
        old, new = olds.get("settings") or {}, news["settings"]
        if any(old.get(key) != new.get(key) for key in PLACE):
            replaces.append("settings")
        moved = not replaces and _cidr(new, olds.get("cidr", "")) != olds.get("cidr")
        return DiffResult(changes=bool(replaces) or old != new or moved, replaces=replaces)

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        kept = {key: olds[key] for key in MADE}
        return UpdateResult({**news, **kept, "cidr": _cidr(news["settings"], olds["cidr"])})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        process.run("actions.end_run", variables={**_variables(props), "RUN": props["run"]})


class BakeRun(Resource):
    """The run's name, time (epoch seconds), keys, and what its preflight found."""

    run: pulumi.Output[str]
    began: pulumi.Output[float]
    cidr: pulumi.Output[str]
    login_key: pulumi.Output[str]
    login_public: pulumi.Output[str]
    host_key: pulumi.Output[str]
    host_public: pulumi.Output[str]
    network_id: pulumi.Output[str]
    pool: pulumi.Output[str]
    steps: pulumi.Output[list[dict[str, Any]]]

    def __init__(
        self,
        name: str,
        *,
        kind: str,
        recipe: str,
        image: str,
        secrets: str,
        place: RunPlace,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`image` is the id of what the server is made from; `secrets` as JSON, variable → runner's variable."""
        self.place = place
        settings = {
            **place.access.environment(),
            "IMAGE": image,
            "FLAVOR": place.flavor,
            "NETWORK": place.network,
            "POOL": place.pool,
            "SSH_USER": place.user,
            "SECRETS": secrets,
            "RUNNER_CIDR": place.runner_cidr or "",
            "ADDRESS_URL": place.address_url,
            "SWEEP_HOURS": f"{place.sweep_hours:g}",
            "CLEANUP_SECONDS": str(place.cleanup_seconds),
            "CACHE": place.cache,
            "KEEP": str(place.skip_cleanup).lower(),
        }
        props = {"kind": kind, "recipe": recipe, "settings": settings, **dict.fromkeys(MADE)}
        hidden = pulumi.ResourceOptions(additional_secret_outputs=SECRET)
        super().__init__(RunProvider(), name, props, pulumi.ResourceOptions.merge(opts, hidden))


def _variables(props: Mapping[str, Any]) -> dict[str, str]:
    given = {"KIND": props["kind"], "RECIPE": props["recipe"]}
    if key := props.get("login_key"):
        given["LOGIN_KEY"] = key
    return {**props["settings"], **given}


def _cidr(settings: Mapping[str, str], old: str) -> str:
    """From where this runner comes now; the old answer where nobody tells."""
    if settings.get("RUNNER_CIDR"):
        return settings["RUNNER_CIDR"]
    if "OS_PASSWORD" not in os.environ:
        return old  # a preview without rights
    try:
        return str(process.run("actions.runner_address", variables=settings)["cidr"])
    except RuntimeError:
        return old
