"""What a fleet costs in a month, from list prices. Pure.

Figures of the document "인프라 및 배포", part "비용 분석 (ALB 도입 후)" (December 2025), which takes 730 hours a month:
$0.0225 an ALB hour, $0.008 an LCU hour, $0.0104 a t3.micro hour, $0.126 a GB out, of which it expects 10. It prices no
other instance type; within t3 the price doubles with each size. It counts addresses in use as free: since February
2024 a public IPv4 address costs $0.005 an hour (https://aws.amazon.com/vpc/pricing/). gp3 volumes cost $0.08 a
GB-month (https://aws.amazon.com/ebs/pricing/). An estimate: regions differ, and so do traffic and free tiers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

HOURS = 730
BALANCER_HOUR, CAPACITY_HOUR = 0.0225, 0.008
MICRO_HOUR = 0.0104
SIZES = {f"t3.{size}": factor for size, factor in (("nano", 0.5), ("micro", 1), ("small", 2), ("medium", 4))}
SIZES |= {f"t3.{size}": factor for size, factor in (("large", 8), ("xlarge", 16), ("2xlarge", 32))}
ADDRESS_HOUR = 0.005
VOLUME_GB = 0.08
TRANSFER_GB, TRANSFER_USD = 10, 0.126


@dataclass(frozen=True, kw_only=True)
class PricedHost:
    instance_type: str
    volume_size: int  # GiB


@dataclass(frozen=True, kw_only=True)
class MonthlyCost:
    """US dollars by part; what has no known price is named, not guessed."""

    parts: dict[str, float]
    unknown: tuple[str, ...]

    @property
    def total(self) -> float:
        return round(sum(self.parts.values()), 2)


def monthly_cost(hosts: Sequence[PricedHost], *, balancer: bool) -> MonthlyCost:
    """An address for each host, one for each of a balancer's two zones."""
    known = [host for host in hosts if host.instance_type in SIZES]
    parts = {
        "instances": HOURS * MICRO_HOUR * sum(SIZES[host.instance_type] for host in known),
        "volumes": VOLUME_GB * sum(host.volume_size for host in hosts),
        "public addresses": HOURS * ADDRESS_HOUR * (len(hosts) + (2 if balancer else 0)),
        "data transfer": TRANSFER_GB * TRANSFER_USD,
        **({"load balancer": HOURS * (BALANCER_HOUR + CAPACITY_HOUR)} if balancer else {}),
    }
    return MonthlyCost(
        parts={name: round(usd, 2) for name, usd in parts.items()},
        unknown=tuple(sorted({host.instance_type for host in hosts} - set(SIZES))),
    )
