"""Load balancers (ELBv2). Attributes are a table: property, the API's key."""

from collections.abc import Mapping
from typing import Any, ClassVar

from ...values import Object
from ..properties import Prop, flag, name, text, texts, whole
from ..row import Op, Row, row, tag_list, tag_map

_SECONDS = 600


def attributes(keys: Mapping[str, str], inputs: Object, names: Any) -> list[dict[str, str]]:
    """The API's attribute list for these properties."""
    return [
        {"Key": keys[key], "Value": word(inputs[key])} for key in keys if key in names and inputs.get(key) is not None
    ]


def word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def attribute_values(keys: Mapping[str, str], props: Mapping[str, Prop], answer: list[dict[str, str]]) -> Object:
    """Property values of the API's attribute list."""
    found = {one["Key"]: one["Value"] for one in answer}
    return {key: _typed(props[key].kind, found[api]) for key, api in keys.items() if api in found}


def _typed(kind: str, value: str) -> Any:
    if kind == "bool":
        return value == "true"
    return int(value) if kind == "int" else value


def retag(op: Op, put: dict[str, str], removed: list[str]) -> None:
    """ELBv2's way to change tags."""
    if removed:
        op.client("elbv2").remove_tags(ResourceArns=[op.id], TagKeys=removed)
    if put:
        op.client("elbv2").add_tags(ResourceArns=[op.id], Tags=tag_list(put))


def tags_of(op: Op, arn: str) -> dict[str, str]:
    found = op.client("elbv2").describe_tags(ResourceArns=[arn])["TagDescriptions"]
    return tag_map(found[0].get("Tags")) if found else {}


class Elb(Row):
    """What ELBv2's types have in common: the ARN is the id, tags hang on it."""

    tagged = True
    outputs: ClassVar[tuple[str, ...]] = ("arn",)

    def retag(self, op: Op, put: dict[str, str], removed: list[str]) -> None:
        retag(op, put, removed)

    def tags(self, op: Op) -> dict[str, Any]:
        return {"Tags": tag_list(op.tags)} if op.tags else {}


_BALANCER = {
    "idleTimeout": "idle_timeout.timeout_seconds",
    "enableDeletionProtection": "deletion_protection.enabled",
    "enableHttp2": "routing.http2.enabled",
    "dropInvalidHeaderFields": "routing.http.drop_invalid_header_fields.enabled",
    "desyncMitigationMode": "routing.http.desync_mitigation_mode",
    "preserveHostHeader": "routing.http.preserve_host_header.enabled",
    "xffHeaderProcessingMode": "routing.http.xff_header_processing.mode",
    "enableXffClientPort": "routing.http.xff_client_port.enabled",
    "enableCrossZoneLoadBalancing": "load_balancing.cross_zone.enabled",
    "clientKeepAlive": "client_keep_alive.seconds",
}


@row
class LoadBalancer(Elb):
    token = "aws:lb/loadBalancer:LoadBalancer"
    import_id = "the load balancer's ARN"
    gone = ("LoadBalancerNotFound", "LoadBalancerNotFoundException")
    outputs = ("arn", "arnSuffix", "dnsName", "vpcId", "zoneId")
    props = {
        "name": name(32),
        "internal": flag(computed=True, replace=True, api=""),
        "loadBalancerType": text(default="application", replace=True, api="Type"),
        "ipAddressType": text(computed=True),
        "securityGroups": texts(computed=True, unordered=True),
        "subnets": texts(computed=True, unordered=True),
        "idleTimeout": whole(default=60, api=""),
        "enableDeletionProtection": flag(default=False, api=""),
        "enableHttp2": flag(default=True, api=""),
        "dropInvalidHeaderFields": flag(default=False, api=""),
        "desyncMitigationMode": text(default="defensive", api=""),
        "preserveHostHeader": flag(default=False, api=""),
        "xffHeaderProcessingMode": text(default="append", api=""),
        "enableXffClientPort": flag(default=False, api=""),
        "enableCrossZoneLoadBalancing": flag(computed=True, api=""),
        "clientKeepAlive": whole(default=3600, api=""),
    }

    def create(self, op: Op) -> str:
        elb = op.client("elbv2")
        scheme = "internal" if op.inputs.get("internal") else "internet-facing"
        made = elb.create_load_balancer(**self.send(op), Scheme=scheme, **self.tags(op))["LoadBalancers"][0]
        op.created(made["LoadBalancerArn"])

        def active() -> bool:
            state = elb.describe_load_balancers(LoadBalancerArns=[op.id])["LoadBalancers"][0]["State"]
            return bool(state["Code"] != "provisioning")

        op.wait("the load balancer to be active", active, _SECONDS)
        self._put_attributes(op, set(op.inputs))
        return op.id

    def _put_attributes(self, op: Op, names: set[str]) -> None:
        wanted = attributes(_BALANCER, op.inputs, names)
        if op.inputs.get("loadBalancerType", "application") != "application":
            wanted = [one for one in wanted if one["Key"].startswith(("deletion_protection", "load_balancing"))]
        if wanted:
            op.client("elbv2").modify_load_balancer_attributes(LoadBalancerArn=op.id, Attributes=wanted)

    def read(self, op: Op) -> Object | None:
        elb = op.client("elbv2")
        found = elb.describe_load_balancers(LoadBalancerArns=[op.id])["LoadBalancers"]
        if not found:
            return None
        answer, arn = found[0], found[0]["LoadBalancerArn"]
        stored = elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
        return {
            **self.receive(answer),
            **attribute_values(_BALANCER, self.props, stored),
            "name": answer["LoadBalancerName"],
            "internal": answer.get("Scheme") == "internal",
            "subnets": [zone["SubnetId"] for zone in answer.get("AvailabilityZones", [])],
            "arn": arn,
            "arnSuffix": arn.split(":loadbalancer/", 1)[-1],
            "dnsName": answer["DNSName"],
            "vpcId": answer.get("VpcId", ""),
            "zoneId": answer.get("CanonicalHostedZoneId", ""),
            "tagsAll": tags_of(op, arn),
        }

    def update(self, op: Op) -> None:
        elb = op.client("elbv2")
        self._put_attributes(op, set(op.changed))
        if "securityGroups" in op.changed:
            elb.set_security_groups(LoadBalancerArn=op.id, SecurityGroups=op.inputs.get("securityGroups", []))
        if "subnets" in op.changed:
            elb.set_subnets(LoadBalancerArn=op.id, Subnets=op.inputs["subnets"])
        if "ipAddressType" in op.changed:
            elb.set_ip_address_type(LoadBalancerArn=op.id, IpAddressType=op.inputs["ipAddressType"])

    def delete(self, op: Op) -> None:
        op.client("elbv2").delete_load_balancer(LoadBalancerArn=op.id)
