"""How a script gets to a host and its output comes back; SSH and SSM Run Command each have one."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Output:
    """What a script left behind."""

    code: int
    out: str
    err: str


class Session(Protocol):
    """Runs scripts as root on one host."""

    def run(self, script: str, timeout_seconds: float) -> Output:
        """Raises `HostError` when the script could not be run or did not end in time; its exit code is no error."""
