"""Port 22 of the hosts' security group, open for the runner's own address and for the length of one run.

The rule's description names the run and its expiry. A run that was killed leaves its rule behind; the next one sees
that its run is dead or its time is over, and takes it away. A rule that somebody else made is used and never closed.
"""

import contextlib
import ipaddress
import re
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from botocore.exceptions import BotoCoreError, ClientError

from actions.clients import Clients
from actions.hosts.connection import SSH_PORT
from actions.hosts.host import HostError
from actions.lock import is_dead, owner_name
from actions.permissions import refusal
from actions.progress import Progress

ADDRESS_TIMEOUT_SECONDS = 5.0
OURS = re.compile(r"^infra-release (?P<run>\S+) until (?P<until>\S+)$")


def runner_address(url: str) -> str:
    """The IPv4 address under which the hosts see this runner, as `url` tells it."""
    try:
        with requests.Session() as session:
            session.trust_env = False  # SSH takes no proxy either
            answer = session.get(url, timeout=ADDRESS_TIMEOUT_SECONDS)
        answer.raise_for_status()
        return str(ipaddress.IPv4Address(answer.text.strip()))
    except (requests.RequestException, ipaddress.AddressValueError) as error:
        raise HostError(f"{url} does not tell this runner's address: {error}") from error


def description(run: str, until: datetime) -> str:
    return f"infra-release {run} until {until.isoformat(timespec='seconds').replace('+00:00', 'Z')}"


def is_stale(text: str, now: datetime) -> bool:
    """Whether a rule of this description was left by a run that is over."""
    match = OURS.match(text)
    if match is None:
        return False
    with contextlib.suppress(ValueError):
        if datetime.fromisoformat(match["until"].replace("Z", "+00:00")) < now:
            return True
    return match["run"].count("/") == 4 and is_dead(match["run"])


class Ingress:
    """Open from `open` to `close`; `renew` follows the runner when its address changes."""

    def __init__(self, aws: Clients, group: str, address_url: str, lifetime: timedelta, progress: Progress) -> None:
        self._ec2 = aws("ec2")
        self._group, self._url, self._lifetime, self._progress = group, address_url, lifetime, progress
        self._run = owner_name()
        self._changing = threading.Lock()
        self._address = ""
        self._rules: list[str] = []  # ids of the rules this run made

    def open(self) -> None:
        self._sweep()
        self._allow(runner_address(self._url))
        self._progress.say(f"port {SSH_PORT} of {self._group} is open for {self._address}")

    def renew(self) -> None:
        """Asked when a host cannot be reached: the runner may have another address now, or the rule may be gone."""
        with self._changing:
            address, old = runner_address(self._url), list(self._rules)
            if address != self._address:
                self._progress.say(f"this runner's address changed from {self._address} to {address}")
                self._allow(address)
                self._revoke(old)
            elif not self._present(old):
                self._rules = []
                self._allow(address)

    def close(self) -> None:
        """Raises `HostError` when a rule could not be taken away."""
        with self._changing:
            try:
                self._revoke(list(self._rules))
            except (ClientError, BotoCoreError) as error:
                raise HostError(f"port {SSH_PORT} of {self._group} stays open for {self._address}: {error}") from error

    def _allow(self, address: str) -> None:
        rule = {
            "CidrIp": f"{address}/32",
            "Description": description(self._run, datetime.now(UTC) + self._lifetime),
        }
        permission = {"IpProtocol": "tcp", "FromPort": SSH_PORT, "ToPort": SSH_PORT, "IpRanges": [rule]}
        try:
            answer = self._ec2.authorize_security_group_ingress(GroupId=self._group, IpPermissions=[permission])
        except ClientError as error:
            if error.response["Error"]["Code"] != "InvalidPermission.Duplicate":
                raise HostError(f"port {SSH_PORT} of {self._group} cannot be opened: {refusal(error)}") from error
            self._progress.say(f"{self._group} lets {address} in already: that rule stays")
        else:
            self._rules += [made["SecurityGroupRuleId"] for made in answer["SecurityGroupRules"]]
        self._address = address

    def _revoke(self, rules: list[str]) -> None:
        for rule in rules:
            try:
                self._ec2.revoke_security_group_ingress(GroupId=self._group, SecurityGroupRuleIds=[rule])
            except ClientError as error:
                if "NotFound" not in error.response["Error"]["Code"]:
                    raise
            self._rules.remove(rule)

    def _present(self, rules: list[str]) -> bool:
        """Whether this run's rule is there; where the rule was another's, whether any still lets the runner in."""
        found = self._ssh_rules()
        if rules:
            return any(rule["SecurityGroupRuleId"] in rules for rule in found)
        return any(rule.get("CidrIpv4") == f"{self._address}/32" for rule in found)

    def _sweep(self) -> None:
        now = datetime.now(UTC)
        for rule in self._ssh_rules():
            if is_stale(rule.get("Description", ""), now):
                self._progress.say(f"closing port {SSH_PORT} for {rule.get('CidrIpv4')}, left open by a run that died")
                self._rules.append(rule["SecurityGroupRuleId"])
                self._revoke([rule["SecurityGroupRuleId"]])

    def _ssh_rules(self) -> list[dict[str, Any]]:
        pages = self._ec2.get_paginator("describe_security_group_rules").paginate(
            Filters=[{"Name": "group-id", "Values": [self._group]}]
        )
        rules = [rule for page in pages for rule in page["SecurityGroupRules"]]
        return [rule for rule in rules if not rule["IsEgress"] and rule.get("FromPort") == SSH_PORT]
