"""How long a host may take before it counts as unreachable."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Seconds. A fleet may have been made a moment ago, so a first boot has its time."""

    boot: float = 300.0  # until it has published its SSH key, or SSM knows it
    answer: float = 30.0  # until its SSH server answers
