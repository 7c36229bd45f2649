"""What the planner sees of a service, and the steps it may ask for: plain frozen values."""

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """Where a task that is not yet STOPPED stands."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"


class Health(StrEnum):
    """What ECS thinks of a task: it counts for the service only when HEALTHY."""

    PENDING = "pending"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, kw_only=True)
class TaskView:
    """One task of the service; `reason` says why it is unhealthy, in AWS's words."""

    arn: str
    deployment: str
    phase: Phase
    health: Health
    reason: str = ""
    created: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ServiceView:
    """A service at one instant.

    `source` is the deployment that completed last, while another one is being rolled out; `source_desired` the
    number of tasks it was asked for. `held` names deployments whose next start has to wait (back-off).
    """

    desired: int
    minimum_percent: int
    maximum_percent: int
    primary: str
    rollout: str
    tasks: tuple[TaskView, ...]
    source: str = ""
    source_desired: int = 0
    held: frozenset[str] = frozenset()
    frozen: bool = False
    draining: bool = False


@dataclass(frozen=True)
class Start:
    """Launch `count` tasks of one deployment."""

    deployment: str
    count: int


@dataclass(frozen=True)
class Stop:
    """Drain and stop one task; `failed` when the task itself is the reason."""

    arn: str
    reason: str
    failed: bool = False


@dataclass(frozen=True)
class Complete:
    """The primary deployment has done what it was for."""


@dataclass(frozen=True)
class Steady:
    """Nothing to do and nothing under way."""


@dataclass(frozen=True)
class Retire:
    """A deleted service has no task left."""


Step = Start | Stop | Complete | Steady | Retire
