"""A rolling release of a hundred hosts on a virtual clock: its time against what the hosts themselves need."""

from tests.bench.ratios import report, seconds
from tests.simulated_cloud import CHECK_SECONDS, HEALTHY_CHECKS
from tests.simulated_fleet import PULL_SECONDS, START_SECONDS, UP_SECONDS, SimulatedFleet

IN_FLIGHT_SECONDS = 8.0


def test_a_hundred_hosts_take_as_long_as_their_waves() -> None:
    fleet = SimulatedFleet(100, wave_size=10)
    for simulated in fleet.hosts:
        simulated.in_flight_seconds = IN_FLIGHT_SECONDS
    began = fleet.now
    computed = seconds(lambda: fleet.release("v2"))
    host = IN_FLIGHT_SECONDS + UP_SECONDS + START_SECONDS + HEALTHY_CHECKS * CHECK_SECONDS
    print(f"\n100 hosts, every call of the release: {computed:.1f} s of computing")
    report("100 hosts in waves of 10 (virtual seconds)", fleet.now - began, PULL_SECONDS + 10 * host, 1.15)
