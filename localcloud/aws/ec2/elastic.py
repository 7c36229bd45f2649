"""Elastic addresses: of the machines' own network, so that the runner reaches them, and really on the machine."""

import threading
from collections.abc import Callable
from typing import Any

from localcloud.aws.ec2.engine import Record, Response, ec2
from localcloud.aws.ec2.machine import Machine, Machines
from localcloud.aws.home import CloudError

FIRST, LAST = 200, 250  # last numbers; the machines' own are below
PREFIX_BITS = 24
_BEFORE = "_PublicIpBefore"  # in the record of an address: what its instance had until then


class Elastic:
    """Allocated from a range of its own; the machine of the instance answers there as well as at its first address."""

    def __init__(self, machines: Machines) -> None:
        self._machines = machines
        self._allocating = threading.Lock()  # no two may have one address

    def install(self) -> None:
        """Put these around the handlers there are."""
        actions = ec2._ACTION_MAP
        actions["AllocateAddress"] = self._allocate(actions["AllocateAddress"])
        actions["AssociateAddress"] = self._associate(actions["AssociateAddress"])
        actions["DisassociateAddress"] = self._disassociate(actions["DisassociateAddress"])

    def booted(self, instance: Record, machine: Machine) -> None:
        """What a machine was given, it has again after a boot; CloudError when it does not take it."""
        for record in self._records():
            if record["InstanceId"] == instance["InstanceId"]:
                self._on(machine, "replace", record["PublicIp"])

    def _allocate(self, original: Callable[[Record], Response]) -> Callable[[Record], Response]:
        def allocate(params: Record) -> Response:
            with self._allocating:
                used = {record["PublicIp"] for record in self._records()}
                prefix = self._machines.network.prefix
                free = next((f"{prefix}.{n}" for n in range(FIRST, LAST) if f"{prefix}.{n}" not in used), None)
                if free is None:
                    message = "The maximum number of addresses has been reached."
                    return ec2._error("AddressLimitExceeded", message, 400)
                status, headers, body = original(params)
                record = next(one for one in self._records() if one["AllocationId"].encode() in body)
                given, record["PublicIp"] = record["PublicIp"], free
                return status, headers, body.replace(given.encode(), free.encode())

        return allocate

    def _associate(self, original: Callable[[Record], Response]) -> Callable[[Record], Response]:
        def associate(params: Record) -> Response:
            instance = ec2._instances.get(ec2._p(params, "InstanceId"))
            record = ec2._addresses.get(ec2._p(params, "AllocationId"))
            if record and instance:
                if instance["State"]["Name"] != "running":
                    message = f"The instance '{instance['InstanceId']}' is not in a valid state for this operation."
                    return ec2._error("IncorrectInstanceState", message, 400)
                self._on(self._machines.machine(instance["InstanceId"]), "replace", record["PublicIp"])
                record[_BEFORE] = instance.get("PublicIpAddress", "")
                instance["PublicIpAddress"] = record["PublicIp"]
                record["PrivateIpAddress"] = instance["PrivateIpAddress"]
            return original(params)

        return associate

    def _disassociate(self, original: Callable[[Record], Response]) -> Callable[[Record], Response]:
        def disassociate(params: Record) -> Response:
            association = ec2._p(params, "AssociationId")
            record = next((one for one in self._records() if one["AssociationId"] == association), None)
            instance = ec2._instances.get(record["InstanceId"]) if record else None
            if record and instance:
                if instance["State"]["Name"] == "running":
                    self._on(self._machines.machine(instance["InstanceId"]), "del", record["PublicIp"])
                instance["PublicIpAddress"] = record[_BEFORE]
            return original(params)

        return disassociate

    def _on(self, machine: Machine, verb: str, address: str) -> None:
        code, _, problem = machine.run("ip", "address", verb, f"{address}/{PREFIX_BITS}", "dev", "eth0")
        if code != 0:
            raise CloudError(f"{address} of {machine.instance_id}: {problem.strip()}")

    def _records(self) -> list[dict[str, Any]]:
        return [record for _, record in list(ec2._addresses.all_items())]
