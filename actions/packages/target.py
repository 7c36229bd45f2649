"""What every deploy target of a package can do."""

from typing import Any, Protocol


class Target(Protocol):
    """One package's way into service; every method raises `ReleaseError` with one clear sentence."""

    name: str

    def prepare(self) -> None:
        """Look whether it can be deployed, and note where to go back to; nothing moves yet."""

    def deploy(self) -> dict[str, Any]:
        """Bring it into service and verify it; what was observed. A failure leaves it as it was."""

    def back(self) -> str:
        """After `deploy` succeeded: back to what `prepare` found; what that is, in words."""

    def settle(self) -> None:
        """The whole release stands: forget where to go back to."""
