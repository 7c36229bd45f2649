"""Elastic addresses of the local cloud, with machines that are only imagined."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from localcloud.aws.ec2.elastic import Elastic
from localcloud.aws.ec2.engine import ec2, scoped
from localcloud.aws.ec2.network import Network

PLACE = ("000000000000", "us-east-1")
ACTIONS = ("AllocateAddress", "AssociateAddress", "DisassociateAddress")


class Machine:
    instance_id = "i-1"

    def __init__(self) -> None:
        self.did: list[str] = []

    def run(self, *argv: str) -> tuple[int, str, str]:
        self.did.append(" ".join(argv))
        return 0, "", ""


class Machines:
    def __init__(self) -> None:
        self.network = Network("test", 4566, lambda address: None)
        self.made = Machine()
        self.elastic = Elastic(cast(Any, self))

    def machine(self, instance_id: str) -> Machine:
        return self.made


@pytest.fixture
def machines(monkeypatch: pytest.MonkeyPatch) -> Machines:
    ec2._addresses.clear()
    for name in ACTIONS:
        monkeypatch.setitem(ec2._ACTION_MAP, name, ec2._ACTION_MAP[name])
    made = Machines()
    made.elastic.install()
    return made


def say(action: str, **parameters: str) -> tuple[int, str]:
    with scoped(PLACE):
        status, _, body = ec2._ACTION_MAP[action]({name: [value] for name, value in parameters.items()})
    return status, body.decode()


def records() -> list[dict[str, Any]]:
    return [record for _, record in ec2._addresses.all_items()]


@pytest.fixture
def instance() -> dict[str, Any]:
    made: dict[str, Any] = {
        "InstanceId": "i-1",
        "State": {"Name": "running"},
        "PrivateIpAddress": "10.17.214.10",
        "PublicIpAddress": "10.17.214.10",
    }
    with scoped(PLACE):
        ec2._instances["i-1"] = made
    return made


def test_no_two_addresses_are_alike_and_the_range_has_an_end(machines: Machines) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: say("AllocateAddress"), range(51)))
    given = {record["PublicIp"] for record in records()}
    assert given == {f"10.17.214.{last}" for last in range(200, 250)}
    assert all(any(f"<publicIp>{ip}</publicIp>" in body for _, body in answers) for ip in given)
    assert [status for status, _ in answers].count(400) == 1


def test_a_machine_answers_at_its_address_also_after_a_boot(machines: Machines, instance: dict[str, Any]) -> None:
    say("AllocateAddress")
    (address,) = records()
    say("AssociateAddress", AllocationId=address["AllocationId"], InstanceId="i-1")
    on = "ip address replace 10.17.214.200/24 dev eth0"
    assert machines.made.did == [on] and instance["PublicIpAddress"] == "10.17.214.200"
    machines.elastic.booted(instance, cast(Any, machines.made))
    assert machines.made.did == [on, on]
    say("DisassociateAddress", AssociationId=address["AssociationId"])
    assert machines.made.did[-1] == "ip address del 10.17.214.200/24 dev eth0"
    assert instance["PublicIpAddress"] == "10.17.214.10" and address["InstanceId"] is None


def test_an_instance_that_does_not_run_takes_no_address(machines: Machines, instance: dict[str, Any]) -> None:
    say("AllocateAddress")
    instance["State"] = {"Name": "pending"}
    (address,) = records()
    status, body = say("AssociateAddress", AllocationId=address["AllocationId"], InstanceId="i-1")
    assert (status, address["InstanceId"]) == (400, None) and "IncorrectInstanceState" in body
