"""EC2: VPCs, subnets, internet gateways."""

from collections.abc import Callable
from typing import Any

from ...values import Object
from ..properties import flag, text
from ..row import Op, Row, row, tag_list, tag_map
from ..session import ApiError

_DELETE_SECONDS = 900


def retry_delete(
    op: Op, call: Callable[[], Any], busy: tuple[str, ...] = ("DependencyViolation",), seconds: float = 0
) -> None:
    """Delete once what depends on it is gone."""
    last: list[ApiError] = []

    def deleted() -> bool:
        try:
            call()
        except ApiError as error:
            if error.code not in busy:
                raise
            if not last:
                op.say(error.message)
            last[:] = [error]
            return False
        return True

    reason = "what depends on it to be gone"
    op.wait(reason, deleted, seconds or _DELETE_SECONDS)


def gone_in(*kinds: str) -> tuple[str, ...]:
    """EC2's error codes for things that do not exist."""
    return tuple(f"Invalid{kind}.NotFound" for kind in kinds)


class Ec2(Row):
    """What EC2's types have in common: tags at creation, by id afterwards."""

    tagged = True
    resource_type = ""

    def tags(self, op: Op) -> dict[str, Any]:
        if not op.tags:
            return {}
        return {"TagSpecifications": [{"ResourceType": self.resource_type, "Tags": tag_list(op.tags)}]}

    def retag(self, op: Op, put: dict[str, str], removed: list[str]) -> None:
        if removed:
            op.client("ec2").delete_tags(Resources=[op.id], Tags=[{"Key": key} for key in removed])
        if put:
            op.client("ec2").create_tags(Resources=[op.id], Tags=tag_list(put))


@row
class Vpc(Ec2):
    token = "aws:ec2/vpc:Vpc"
    import_id = "the VPC's id"
    resource_type = "vpc"
    gone = (*gone_in("VpcID"), "InvalidVpcId.NotFound")
    outputs = (
        "arn",
        "defaultNetworkAclId",
        "defaultRouteTableId",
        "defaultSecurityGroupId",
        "dhcpOptionsId",
        "mainRouteTableId",
        "ownerId",
    )
    props = {
        "cidrBlock": text(computed=True, replace=True),
        "instanceTenancy": text(default="default", replace=True),
        "enableDnsSupport": flag(default=True, api=""),
        "enableDnsHostnames": flag(computed=True, api=""),
    }

    def create(self, op: Op) -> str:
        op.created(op.client("ec2").create_vpc(**self.send(op), **self.tags(op))["Vpc"]["VpcId"])
        self._attributes(op, {key for key in ("enableDnsSupport", "enableDnsHostnames") if key in op.inputs})
        return op.id

    def _attributes(self, op: Op, names: Any) -> None:
        for key in ("enableDnsSupport", "enableDnsHostnames"):
            if key in names and key in op.inputs:
                api = key[0].upper() + key[1:]
                op.client("ec2").modify_vpc_attribute(VpcId=op.id, **{api: {"Value": op.inputs[key]}})

    def read(self, op: Op) -> Object | None:
        ec2 = op.client("ec2")
        found = ec2.describe_vpcs(VpcIds=[op.id])["Vpcs"]
        if not found:
            return None
        here = [{"Name": "vpc-id", "Values": [op.id]}]
        tables = ec2.describe_route_tables(Filters=[*here, {"Name": "association.main", "Values": ["true"]}])[
            "RouteTables"
        ]
        groups = ec2.describe_security_groups(Filters=[*here, {"Name": "group-name", "Values": ["default"]}])[
            "SecurityGroups"
        ]
        acls = ec2.describe_network_acls(Filters=[*here, {"Name": "default", "Values": ["true"]}])["NetworkAcls"]
        main = tables[0]["RouteTableId"] if tables else ""
        values = {
            **self.receive(found[0]),
            "arn": op.aws.arn("ec2", f"vpc/{op.id}"),
            "mainRouteTableId": main,
            "defaultRouteTableId": main,
            "defaultSecurityGroupId": groups[0]["GroupId"] if groups else "",
            "defaultNetworkAclId": acls[0]["NetworkAclId"] if acls else "",
            "dhcpOptionsId": found[0].get("DhcpOptionsId", ""),
            "ownerId": found[0].get("OwnerId") or op.aws.account,
            "tagsAll": tag_map(found[0].get("Tags")),
        }
        for key in ("enableDnsSupport", "enableDnsHostnames"):
            answer = ec2.describe_vpc_attribute(VpcId=op.id, Attribute=key)
            values[key] = answer[key[0].upper() + key[1:]]["Value"]
        return values

    def update(self, op: Op) -> None:
        self._attributes(op, op.changed)

    def delete(self, op: Op) -> None:
        retry_delete(op, lambda: op.client("ec2").delete_vpc(VpcId=op.id))


@row
class Subnet(Ec2):
    token = "aws:ec2/subnet:Subnet"
    import_id = "the subnet's id"
    resource_type = "subnet"
    gone = (*gone_in("SubnetID"), "InvalidSubnetId.NotFound")
    outputs = ("arn", "ownerId")
    props = {
        "vpcId": text(required=True, replace=True),
        "cidrBlock": text(replace=True),
        "availabilityZone": text(computed=True, replace=True),
        "availabilityZoneId": text(computed=True, replace=True),
        "mapPublicIpOnLaunch": flag(default=False, api=""),
    }

    def create(self, op: Op) -> str:
        op.created(op.client("ec2").create_subnet(**self.send(op), **self.tags(op))["Subnet"]["SubnetId"])
        if op.inputs.get("mapPublicIpOnLaunch"):
            self.update(op)
        return op.id

    def read(self, op: Op) -> Object | None:
        found = op.client("ec2").describe_subnets(SubnetIds=[op.id])["Subnets"]
        if not found:
            return None
        return {
            **self.receive(found[0]),
            "mapPublicIpOnLaunch": bool(found[0].get("MapPublicIpOnLaunch")),
            "arn": found[0].get("SubnetArn") or op.aws.arn("ec2", f"subnet/{op.id}"),
            "ownerId": found[0].get("OwnerId") or op.aws.account,
            "tagsAll": tag_map(found[0].get("Tags")),
        }

    def update(self, op: Op) -> None:
        wanted = {"Value": bool(op.inputs.get("mapPublicIpOnLaunch"))}
        op.client("ec2").modify_subnet_attribute(SubnetId=op.id, MapPublicIpOnLaunch=wanted)

    def delete(self, op: Op) -> None:
        retry_delete(op, lambda: op.client("ec2").delete_subnet(SubnetId=op.id))


@row
class InternetGateway(Ec2):
    token = "aws:ec2/internetGateway:InternetGateway"
    import_id = "the gateway's id"
    resource_type = "internet-gateway"
    gone = gone_in("InternetGatewayID", "InternetGatewayId")
    outputs = ("arn", "ownerId")
    props = {"vpcId": text(computed=True)}

    def create(self, op: Op) -> str:
        op.created(op.client("ec2").create_internet_gateway(**self.tags(op))["InternetGateway"]["InternetGatewayId"])
        if vpc := op.inputs.get("vpcId"):
            op.client("ec2").attach_internet_gateway(InternetGatewayId=op.id, VpcId=vpc)
        return op.id

    def read(self, op: Op) -> Object | None:
        found = op.client("ec2").describe_internet_gateways(InternetGatewayIds=[op.id])["InternetGateways"]
        if not found:
            return None
        attached = [one["VpcId"] for one in found[0].get("Attachments", [])]
        return {
            "vpcId": attached[0] if attached else "",
            "arn": op.aws.arn("ec2", f"internet-gateway/{op.id}"),
            "ownerId": found[0].get("OwnerId") or op.aws.account,
            "tagsAll": tag_map(found[0].get("Tags")),
        }

    def update(self, op: Op) -> None:
        self._detach(op)
        op.client("ec2").attach_internet_gateway(InternetGatewayId=op.id, VpcId=op.inputs["vpcId"])

    def _detach(self, op: Op) -> None:
        if vpc := op.old.get("vpcId"):
            ec2 = op.client("ec2")
            retry_delete(op, lambda: ec2.detach_internet_gateway(InternetGatewayId=op.id, VpcId=vpc))

    def delete(self, op: Op) -> None:
        try:
            self._detach(op)
        except ApiError as error:
            if error.code not in ("Gateway.NotAttached", *self.gone):
                raise
        retry_delete(op, lambda: op.client("ec2").delete_internet_gateway(InternetGatewayId=op.id))
