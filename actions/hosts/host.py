"""What a release knows of one host, and what it may ask of it.

`ssh.py` and `ssm.py` give access, `machine.py` turns the questions into scripts. On the host, `current/`, `next/` and
`previous/` are whole directories: a run killed anywhere leaves one that can be brought up.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

from actions.errors import ReleaseError


class HostError(ReleaseError):
    """A host could not be reached or did not do what it was asked; the text is one sentence and names the host."""


@dataclass(frozen=True, kw_only=True)
class Host:
    """One machine of the fleet."""

    name: str  # as people call it: web-1
    instance: str  # instance id
    address: str  # where its SSH server answers


@dataclass(frozen=True, kw_only=True)
class Observed:
    """One look at a host. Empty strings where there is nothing."""

    docker: bool  # the engine answers and compose is there
    architecture: str = ""  # as image manifests name it: amd64, arm64
    free_mb: int = 0  # where Docker keeps its images
    image: str = ""  # of the web container that serves: <repository>@<digest>
    digest: str = ""  # of that image
    state: str = ""  # of that container: running, exited …
    health: str = ""  # of that container: healthy, unhealthy, starting; empty without a health check
    installed: str = ""  # digest that `current/` names, whatever runs; the image where it is not pinned
    installed_as: str = ""  # fingerprint of the release that `current/` was staged from
    staged: str = ""  # digest that `next/` names
    staged_as: str = ""  # fingerprint of the release in `next/`
    verified: bool = False  # `current/` was recorded as verified
    live: bool = False  # on a host without a balancer: its nginx sends users to `current/`
    ledger: Mapping[str, Any] = field(default_factory=dict)  # {"current": entry, "previous": entry}


@dataclass(frozen=True, kw_only=True)
class StagedRelease:
    """What shall lie in `next/`. Values of variables are read by the host itself: only their names pass through."""

    image: str  # pinned: <repository uri>@sha256:…; `.env` names it IMAGE
    tag: str  # `.env` names it IMAGE_TAG
    compose: str  # text of compose.yaml
    nginx: str  # text of nginx.conf
    variables: Mapping[str, str]  # variable of `.env` → name of its SSM parameter
    room_mb: int = 1024  # that must be free before an image is pulled

    @property
    def digest(self) -> str:
        return digest_of(self.image)

    @property
    def fingerprint(self) -> str:
        """Tells two releases apart that differ in anything but the values of variables."""
        content = [self.image, self.tag, self.compose, self.nginx, sorted(self.variables.items())]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def digest_of(image: str) -> str:
    """`sha256:…` of a pinned image; an image that is not pinned stays as it is."""
    return image.rpartition("@")[2]


@dataclass(frozen=True, kw_only=True)
class HealthLook:
    """One look at the container and at its answer on the host itself."""

    healthy: bool
    state: str  # of the container
    health: str  # of the container, as Docker sees it
    answer: str  # "HTTP 200" or why there was none
    final: bool = False  # it cannot become healthy any more: the container exited and stays so


class HostMachine(Protocol):
    """One host. Every method may be repeated and raises `HostError` with one clear sentence."""

    @property
    def host(self) -> Host: ...

    def observe(self) -> Observed: ...

    def stage(self, release: StagedRelease) -> None:
        """Pulls the image and writes and checks `next/`, while what runs goes on serving."""

    def migrate(self, command: str) -> None:
        """A one-off container of the staged release; its exit code counts."""

    def switch(self) -> None:
        """`next/` becomes `current/` and is brought up; a `current/` that was verified becomes `previous/`."""

    def healthy(self) -> HealthLook: ...

    def back(self) -> None:
        """Back to the directory before `switch`; nothing to do where `current/` is verified.

        Where nothing was there before, nothing is there afterwards.
        """

    def record(self, entry: Mapping[str, Any]) -> None:
        """`current/` is verified: the ledger's current entry. Only when the whole release is: `back` stops here."""

    def log_tail(self, lines: int = 20) -> tuple[str, ...]:
        """The end of the web container's log, or () where there is none."""


class Access(Protocol):
    """The way to the hosts, open from enter to exit; whatever it opened is closed again."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def machine(self, host: Host) -> HostMachine: ...
