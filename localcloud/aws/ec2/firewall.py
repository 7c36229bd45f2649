"""Security groups of instances, enforced in their machines: what no ingress rule allows is dropped.

Packets are judged as they arrive, before Docker inside the machine translates published ports. What belongs to a
connection that was let in, or that the machine opened itself, passes; so a revoked rule ends no open connection.

A rule for a group lets in the addresses of that group's instances and, when a load balancer is in the group, the host's
address, from which the balancer connects. The host is the runner's machine too: where a rule opens a port for a
balancer's group, the runner reaches it as well. Any other port is closed to the runner unless a CIDR rule holds its
address. Egress rules, IPv6 and prefix lists are recorded and not enforced.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ministack.services import alb

from localcloud.aws.ec2.engine import Record, ec2, every_instance
from localcloud.aws.ec2.machine import Machine

LOOK_SECONDS = 0.25
_CHAIN = "LOCALCLOUD"
_NUMBERS = {"6": "tcp", "17": "udp", "1": "icmp"}
# One restore is one transaction: there is no moment without rules. The jump is made once.
_APPLY = f"""printf '%s' "$1" | iptables-restore --noflush &&
{{ iptables -t mangle -C PREROUTING -i eth0 -j {_CHAIN} 2>/dev/null ||
iptables -t mangle -I PREROUTING -i eth0 -j {_CHAIN}; }}"""
logger = logging.getLogger("localcloud.firewall")

Members = Mapping[str, Iterable[str]]  # group id -> addresses


def chain(permissions: Iterable[Mapping[str, Any]], members: Members) -> str:
    """The rules as iptables-restore reads them."""
    lines = ["*mangle", f":{_CHAIN} -", f"-A {_CHAIN} -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN"]
    allowed = [
        f"-A {_CHAIN} -s {source}{_what(permission)} -j RETURN"
        for permission in permissions
        for source in _sources(permission, members)
    ]
    return "\n".join([*lines, *dict.fromkeys(allowed), f"-A {_CHAIN} -j DROP", "COMMIT", ""])


def _sources(permission: Mapping[str, Any], members: Members) -> list[str]:
    ranges = [entry["CidrIp"] for entry in permission.get("IpRanges", [])]
    groups = [entry.get("GroupId", "") for entry in permission.get("UserIdGroupPairs", [])]
    return [*ranges, *(address for group in groups for address in sorted(members.get(group, ())))]


def _what(permission: Mapping[str, Any]) -> str:
    protocol = _NUMBERS.get(str(permission["IpProtocol"]), str(permission["IpProtocol"]))
    if protocol in ("-1", "all"):
        return ""
    first, last = permission.get("FromPort"), permission.get("ToPort")
    if protocol == "icmp":
        if first in (None, -1, "-1"):
            return " -p icmp"
        return f" -p icmp -m icmp --icmp-type {first}" + ("" if last in (None, -1, "-1") else f"/{last}")
    if protocol not in ("tcp", "udp") or first is None:
        return f" -p {protocol}"
    return f" -p {protocol} -m {protocol} --dport {first}:{last}"


class Firewall:
    """Keeps the machines in step with the rules: looks several times a second, changes what has changed."""

    def __init__(self, machine: Callable[[str], Machine], host: str) -> None:
        self._machine = machine
        self._host = host
        self._lock = threading.Lock()
        self._applied: dict[str, str] = {}
        self._closed = threading.Event()

    def watch(self) -> None:
        """Begin to look, on a thread of its own."""
        threading.Thread(target=self._watch, name="firewall", daemon=True).start()

    def close(self) -> None:
        """Look no more."""
        self._closed.set()

    def booted(self, instance: Record, machine: Machine) -> None:
        """Close a machine that has just booted, but for what its groups allow; CloudError when that cannot be done."""
        with self._lock:
            self._apply(instance["InstanceId"], machine, self._wanted(instance))

    def _watch(self) -> None:
        failed = ""
        while not self._closed.wait(LOOK_SECONDS):
            try:
                self._look()
                failed = ""
            except Exception as error:
                if str(error) != failed:  # said once, tried again at every look
                    logger.warning("security groups are not enforced: %s", error)
                failed = str(error)

    def _look(self) -> None:
        for _, instance in every_instance():
            identifier = instance["InstanceId"]
            with self._lock:
                before = self._applied.get(identifier)
                if before is None or instance["State"]["Name"] != "running":
                    continue
                wanted = self._wanted(instance)
                if wanted != before:
                    self._apply(identifier, self._machine(identifier), wanted)

    def _apply(self, identifier: str, machine: Machine, wanted: str) -> None:
        code, _, problem = machine.run("sh", "-c", _APPLY, "sh", wanted)
        if code != 0:
            raise RuntimeError(f"the rules of {identifier} cannot be set: {problem.strip()}")
        self._applied[identifier] = wanted

    def _wanted(self, instance: Record) -> str:
        groups = {key[2]: group for key, group in ec2._security_groups.all_items()}
        own = [groups[entry["GroupId"]] for entry in instance["SecurityGroups"] if entry["GroupId"] in groups]
        permissions = [permission for group in own for permission in group["IpPermissions"]]
        return chain(permissions, self._members())

    def _members(self) -> dict[str, set[str]]:
        members: dict[str, set[str]] = {}
        for _, instance in every_instance():
            if instance["State"]["Name"] != "terminated":
                for entry in instance["SecurityGroups"]:
                    members.setdefault(entry["GroupId"], set()).add(instance["PrivateIpAddress"])
        for _, balancer in alb._lbs.all_items():
            for group in balancer.get("SecurityGroups") or []:
                members.setdefault(group, set()).add(self._host)
        return members
