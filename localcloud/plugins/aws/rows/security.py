"""Security groups, with rules inside or as resources of their own."""

from typing import Any

from ...values import Object
from ..properties import Prop, flag, many, text, texts, whole
from ..properties import name as own_name
from ..row import Op, row, tag_map
from ..session import ApiError
from .ec2 import Ec2, gone_in, retry_delete

_INLINE: dict[str, Prop] = {
    "protocol": text(required=True),
    "fromPort": whole(required=True),
    "toPort": whole(required=True),
    "cidrBlocks": texts(unordered=True),
    "ipv6CidrBlocks": texts(unordered=True),
    "securityGroups": texts(unordered=True),
    "self": flag(default=False),
    "description": text(default=""),
}
_EVERYTHING = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]


@row
class SecurityGroup(Ec2):
    """Begins without AWS's own allow-all egress rule, like the real provider's; deletion waits for its users to go."""

    token = "aws:ec2/securityGroup:SecurityGroup"
    import_id = "the security group's id"
    resource_type = "security-group"
    gone = (*gone_in("Group", "GroupId", "SecurityGroupID"),)
    outputs = ("arn", "ownerId")
    props = {
        "name": own_name(255, api="GroupName"),
        "description": text(default="Managed by Pulumi", replace=True),
        "vpcId": text(computed=True, replace=True),
        "ingress": many(_INLINE, computed=True, unordered=True, api=""),
        "egress": many(_INLINE, computed=True, unordered=True, api=""),
        "revokeRulesOnDelete": flag(default=False, kept=True),
    }

    def create(self, op: Op) -> str:
        ec2 = op.client("ec2")
        op.created(ec2.create_security_group(**self.send(op), **self.tags(op))["GroupId"])
        ec2.revoke_security_group_egress(GroupId=op.id, IpPermissions=_EVERYTHING)
        self._put(op, "ingress", [])
        self._put(op, "egress", [])
        return op.id

    def _put(self, op: Op, side: str, before: list[Object]) -> None:
        ec2, wanted = op.client("ec2"), op.inputs.get(side) or []
        removed = [_permission(rule, op.id) for rule in before if rule not in wanted]
        added = [_permission(rule, op.id) for rule in wanted if rule not in before]
        if removed:
            getattr(ec2, f"revoke_security_group_{side}")(GroupId=op.id, IpPermissions=removed)
        if added:
            getattr(ec2, f"authorize_security_group_{side}")(GroupId=op.id, IpPermissions=added)

    def read(self, op: Op) -> Object | None:
        found = op.client("ec2").describe_security_groups(GroupIds=[op.id])["SecurityGroups"]
        if not found:
            return None
        return {
            **self.receive(found[0]),
            "ingress": _rules(found[0].get("IpPermissions", []), op.id),
            "egress": _rules(found[0].get("IpPermissionsEgress", []), op.id),
            "arn": op.aws.arn("ec2", f"security-group/{op.id}"),
            "ownerId": found[0].get("OwnerId") or op.aws.account,
            "tagsAll": tag_map(found[0].get("Tags")),
        }

    def update(self, op: Op) -> None:
        for side in ("ingress", "egress"):
            if side in op.changed:
                self._put(op, side, op.old.get(side) or [])

    def delete(self, op: Op) -> None:
        if op.old.get("revokeRulesOnDelete"):
            current = self.read(op) or {}
            for side in ("ingress", "egress"):
                self._put(op, side, current.get(side) or [])
        retry_delete(op, lambda: op.client("ec2").delete_security_group(GroupId=op.id))


def _permission(rule: Object, group: str) -> dict[str, Any]:
    note = {"Description": rule["description"]} if rule.get("description") else {}
    sources = [*(rule.get("securityGroups") or []), *([group] if rule.get("self") else [])]
    sent: dict[str, Any] = {"IpProtocol": _number(rule["protocol"])}
    if sent["IpProtocol"] != "-1":
        sent |= {"FromPort": rule["fromPort"], "ToPort": rule["toPort"]}
    sent["IpRanges"] = [{"CidrIp": cidr, **note} for cidr in rule.get("cidrBlocks") or []]
    sent["Ipv6Ranges"] = [{"CidrIpv6": cidr, **note} for cidr in rule.get("ipv6CidrBlocks") or []]
    sent["UserIdGroupPairs"] = [{"GroupId": source, **note} for source in sources]
    return {key: value for key, value in sent.items() if value != []}


def _number(protocol: str) -> str:
    return "-1" if protocol == "all" else protocol


def _rules(permissions: list[dict[str, Any]], group: str) -> list[Object]:
    """One rule for each protocol, port range and description, as programs write them."""
    found: dict[tuple[Any, ...], Object] = {}

    def rule(permission: dict[str, Any], entry: dict[str, Any]) -> Object:
        note = entry.get("Description", "")
        ports = (permission.get("FromPort", 0), permission.get("ToPort", 0))
        key = (permission["IpProtocol"], *ports, note)
        fresh = {"protocol": key[0], "fromPort": ports[0], "toPort": ports[1], "self": False, "description": note}
        return found.setdefault(key, fresh)

    for permission in permissions:
        for entry in permission.get("IpRanges", []):
            rule(permission, entry).setdefault("cidrBlocks", []).append(entry["CidrIp"])
        for entry in permission.get("Ipv6Ranges", []):
            rule(permission, entry).setdefault("ipv6CidrBlocks", []).append(entry["CidrIpv6"])
        for entry in permission.get("UserIdGroupPairs", []):
            if entry.get("GroupId") == group:
                rule(permission, entry)["self"] = True
            else:
                rule(permission, entry).setdefault("securityGroups", []).append(entry["GroupId"])
    return list(found.values())


class _Rule(Ec2):
    import_id = "the rule's id (sgr-…)"
    resource_type = "security-group-rule"
    gone = (*gone_in("SecurityGroupRuleId", "Group", "GroupId"),)
    outputs = ("arn", "securityGroupRuleId")
    side = ""
    props = {
        "securityGroupId": text(required=True, replace=True, api="GroupId"),
        "ipProtocol": text(required=True),
        "fromPort": whole(),
        "toPort": whole(),
        "cidrIpv4": text(),
        "cidrIpv6": text(),
        "prefixListId": text(),
        "referencedSecurityGroupId": text(),
        "description": text(),
    }
    _sources = ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")

    def check(self, inputs: Object) -> list[tuple[str, str]]:
        given = [key for key in self._sources if inputs.get(key) is not None]
        if len(given) != 1:
            return [
                ("", f"{self.token} needs exactly one of {', '.join(self._sources)}, got {', '.join(given) or 'none'}")
            ]
        return []

    def create(self, op: Op) -> str:
        given, ec2 = op.inputs, op.client("ec2")
        note = {"Description": given["description"]} if given.get("description") else {}
        permission: dict[str, Any] = {"IpProtocol": _number(given["ipProtocol"])}
        permission |= {api: given[key] for key, api in (("fromPort", "FromPort"), ("toPort", "ToPort")) if key in given}
        for key, field, part in (
            ("cidrIpv4", "IpRanges", "CidrIp"),
            ("cidrIpv6", "Ipv6Ranges", "CidrIpv6"),
            ("prefixListId", "PrefixListIds", "PrefixListId"),
            ("referencedSecurityGroupId", "UserIdGroupPairs", "GroupId"),
        ):
            if key in given:
                permission[field] = [{part: given[key], **note}]
        authorize = getattr(ec2, f"authorize_security_group_{self.side}")
        answer = authorize(GroupId=given["securityGroupId"], IpPermissions=[permission], **self.tags(op))
        return op.created(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    def read(self, op: Op) -> Object | None:
        found = op.client("ec2").describe_security_group_rules(SecurityGroupRuleIds=[op.id])["SecurityGroupRules"]
        if not found:
            return None
        answer = dict(found[0])
        pair = answer.pop("ReferencedGroupInfo", None)
        values = self.receive(answer)
        if pair:
            values["referencedSecurityGroupId"] = pair["GroupId"]
        for key in ("fromPort", "toPort"):
            if values.get("ipProtocol") == "-1" and values.get(key) == -1:
                del values[key]
        arn = answer.get("SecurityGroupRuleArn") or op.aws.arn("ec2", f"security-group-rule/{op.id}")
        return {**values, "arn": arn, "securityGroupRuleId": op.id, "tagsAll": tag_map(answer.get("Tags"))}

    def update(self, op: Op) -> None:
        given = op.inputs
        rule = {"IpProtocol": _number(given["ipProtocol"])}
        names = {"fromPort": "FromPort", "toPort": "ToPort", "cidrIpv4": "CidrIpv4", "cidrIpv6": "CidrIpv6"}
        names |= {
            "prefixListId": "PrefixListId",
            "referencedSecurityGroupId": "ReferencedGroupId",
            "description": "Description",
        }
        rule |= {api: given[key] for key, api in names.items() if given.get(key) is not None}
        op.client("ec2").modify_security_group_rules(
            GroupId=given["securityGroupId"],
            SecurityGroupRules=[{"SecurityGroupRuleId": op.id, "SecurityGroupRule": rule}],
        )

    def delete(self, op: Op) -> None:
        revoke = getattr(op.client("ec2"), f"revoke_security_group_{self.side}")
        try:
            revoke(GroupId=op.old["securityGroupId"], SecurityGroupRuleIds=[op.id])
        except ApiError as error:
            if error.code not in (*self.gone, "InvalidPermission.NotFound"):
                raise


@row
class SecurityGroupIngressRule(_Rule):
    token = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    side = "ingress"


@row
class SecurityGroupEgressRule(_Rule):
    token = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
    side = "egress"
