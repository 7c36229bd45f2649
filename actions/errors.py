"""How a release says that the world did not behave."""

from dataclasses import dataclass


class ReleaseError(Exception):
    """A promise of the release cannot be kept; the text names what was expected and what was found."""


class Cancelled(ReleaseError):
    """The run was told to stop: a signal, the death of its parent, or a lost lock."""


class PreflightFailed(ReleaseError):
    """Something was missing before anything moved."""


class LockHeld(ReleaseError):
    """Another run is releasing the same service and did not finish in time."""


@dataclass
class TaskFailed(ReleaseError):
    """A task of the new deployment stopped or failed its health checks."""

    reason: str
    task: str  # ARN
    log_tail: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.reason
