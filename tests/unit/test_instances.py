"""The life of instances, with machines that are only imagined."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from localcloud.aws.ec2.engine import ec2, scoped
from localcloud.aws.ec2.instances import Instances
from localcloud.aws.ec2.network import Network
from localcloud.aws.home import CloudError
from tests.waiting import until

PLACE = ("000000000000", "us-east-1")


class Machine:
    def __init__(self, trouble: str) -> None:
        self._trouble = trouble
        self.removed = False

    def start(self) -> None:
        if self._trouble:
            raise CloudError(self._trouble)

    def remove(self) -> None:
        self.removed = True


class SlowNetwork(Network):
    def free_address(self, taken: Any) -> str:
        found = super().free_address(taken)
        time.sleep(0.01)
        return found


class Machines:
    def __init__(self, trouble: str = "") -> None:
        self.network = SlowNetwork("test", 4566, lambda address: None)
        self.made = Machine(trouble)

    def create(self, launch: Any) -> Machine:
        return self.made

    def machine(self, instance_id: str) -> Machine:
        return self.made


@pytest.fixture(autouse=True)
def no_instances() -> None:
    ec2._instances.clear()


def launched(machines: Any, count: int = 1) -> list[dict[str, Any]]:
    launch = Instances(machines, lambda instance, machine: None).launch(ec2._launch_instances_internal)

    def one(_: int) -> dict[str, Any]:
        with scoped(PLACE):
            found: list[dict[str, Any]] = launch("ami-1", "t3.micro", "subnet-1", 1)
            return found[0]

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(one, range(count)))


def test_instances_launched_side_by_side_have_addresses_of_their_own() -> None:
    addresses = [instance["PrivateIpAddress"] for instance in launched(Machines(), 16)]
    assert sorted(addresses, key=lambda address: int(address.rpartition(".")[2])) == [
        f"10.17.214.{last}" for last in range(10, 26)
    ]


def test_an_instance_runs_when_its_machine_has_booted() -> None:
    (instance,) = launched(Machines())
    until(lambda: instance["State"]["Name"] == "running", "it runs", 5.0)


def test_an_instance_whose_machine_does_not_boot_says_why_and_leaves_nothing() -> None:
    machines = Machines("there is no image")
    (instance,) = launched(machines)
    until(lambda: instance["State"]["Name"] == "terminated", "it ends", 5.0)
    assert instance["StateReason"] == {"Code": "Server.InternalError", "Message": "there is no image"}
    assert machines.made.removed


def test_the_network_has_an_end() -> None:
    network = Network("test", 4566, lambda address: None)
    with pytest.raises(CloudError, match="room for 190 instances"):
        network.free_address(f"10.17.214.{last}" for last in range(256))
