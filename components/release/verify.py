"""When a release counts as verified."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Verification:
    """Consecutive good answers through the balancer, and the seconds that deployment and verification may take."""

    passes: int = 3
    timeout_seconds: int = 600

    def __post_init__(self) -> None:
        if self.passes < 1:
            raise ValueError(f"verification.passes must be at least 1, got {self.passes}")
        if self.timeout_seconds < 30:
            raise ValueError(f"verification.timeoutSeconds must be at least 30, got {self.timeout_seconds}")

    def environment(self) -> dict[str, str]:
        return {"PASSES": str(self.passes), "TIMEOUT_SECONDS": str(self.timeout_seconds)}
