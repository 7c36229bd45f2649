"""As much of AWS as the way to a host asks for, in memory."""

import subprocess
import uuid
from collections.abc import Iterator
from typing import Any, Self

from botocore.exceptions import ClientError

KEPT = 24000  # characters of output that an SSM invocation keeps


def refused(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": f"{code} it is"}}, operation)


class Ec2Double:
    """Ingress rules of one security group."""

    def __init__(self) -> None:
        self.rules: dict[str, dict[str, Any]] = {}

    def add(self, cidr: str, description: str) -> str:
        identity = f"sgr-{uuid.uuid4().hex[:8]}"
        rule = {"SecurityGroupRuleId": identity, "CidrIpv4": cidr, "Description": description}
        self.rules[identity] = {**rule, "FromPort": 22, "ToPort": 22, "IsEgress": False}
        return identity

    @property
    def open_to(self) -> list[str]:
        return sorted(rule["CidrIpv4"] for rule in self.rules.values())

    def authorize_security_group_ingress(self, *, GroupId: str, IpPermissions: list[Any]) -> dict[str, Any]:
        asked = IpPermissions[0]["IpRanges"][0]
        if asked["CidrIp"] in self.open_to:
            raise refused("InvalidPermission.Duplicate", "AuthorizeSecurityGroupIngress")
        return {"SecurityGroupRules": [self.rules[self.add(asked["CidrIp"], asked["Description"])]]}

    def revoke_security_group_ingress(self, *, GroupId: str, SecurityGroupRuleIds: list[str]) -> None:
        for identity in SecurityGroupRuleIds:
            if identity not in self.rules:
                raise refused("InvalidSecurityGroupRuleId.NotFound", "RevokeSecurityGroupIngress")
            del self.rules[identity]

    def get_paginator(self, operation: str) -> Self:
        assert operation == "describe_security_group_rules"
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        for rule in list(self.rules.values()):
            yield {"SecurityGroupRules": [rule]}


class SsmDouble:
    """Parameters, and Run Command on this machine's shell."""

    def __init__(self) -> None:
        self.parameters: dict[str, str] = {}
        self.unknown = 0  # so many commands are refused, as for an instance whose agent has not called yet
        self.status = "Success"
        self._ended: dict[str, dict[str, Any]] = {}

    def get_parameter(self, *, Name: str, WithDecryption: bool) -> dict[str, Any]:
        if Name not in self.parameters:
            raise refused("ParameterNotFound", "GetParameter")
        return {"Parameter": {"Value": self.parameters[Name]}}

    def send_command(self, *, Parameters: dict[str, list[str]], **_: Any) -> dict[str, Any]:
        if self.unknown:
            self.unknown -= 1
            raise refused("InvalidInstanceId", "SendCommand")
        identity = uuid.uuid4().hex
        done = subprocess.run(["sh", "-c", "\n".join(Parameters["commands"])], capture_output=True, text=True)
        self._ended[identity] = {
            "Status": self.status,
            "StatusDetails": self.status,
            "StandardOutputContent": done.stdout[:KEPT],
            "StandardErrorContent": done.stderr[:KEPT],
        }
        return {"Command": {"CommandId": identity}}

    def get_command_invocation(self, *, CommandId: str, InstanceId: str) -> dict[str, Any]:
        return self._ended[CommandId]


class AwsDouble:
    """Stands where `Clients` stands."""

    def __init__(self) -> None:
        self.ec2, self.ssm = Ec2Double(), SsmDouble()

    def __call__(self, service: str) -> Any:
        return {"ec2": self.ec2, "ssm": self.ssm}[service]
