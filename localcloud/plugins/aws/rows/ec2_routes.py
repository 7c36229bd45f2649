"""EC2: route tables, their routes, and the subnets they serve."""

import zlib
from typing import Any

from ...values import Object
from ..properties import many, text
from ..row import Op, Row, row, tag_map
from .ec2 import Ec2, gone_in, retry_delete


@row
class RouteTable(Ec2):
    token = "aws:ec2/routeTable:RouteTable"
    import_id = "the route table's id"
    resource_type = "route-table"
    gone = gone_in("RouteTableID", "RouteTableId")
    outputs = ("arn", "ownerId")
    props = {
        "vpcId": text(required=True, replace=True),
        "routes": many(
            {"cidrBlock": text(), "gatewayId": text(), "natGatewayId": text()}, computed=True, unordered=True, api=""
        ),
    }

    def create(self, op: Op) -> str:
        op.created(op.client("ec2").create_route_table(**self.send(op), **self.tags(op))["RouteTable"]["RouteTableId"])
        self._put_routes(op, [])
        return op.id

    def _put_routes(self, op: Op, before: list[Object]) -> None:
        ec2, wanted = op.client("ec2"), op.inputs.get("routes") or []
        for route in before:
            if route not in wanted:
                ec2.delete_route(RouteTableId=op.id, DestinationCidrBlock=route["cidrBlock"])
        for route in wanted:
            if route not in before:
                to = {key[0].upper() + key[1:]: route[key] for key in ("gatewayId", "natGatewayId") if route.get(key)}
                ec2.create_route(RouteTableId=op.id, DestinationCidrBlock=route["cidrBlock"], **to)

    def read(self, op: Op) -> Object | None:
        found = op.client("ec2").describe_route_tables(RouteTableIds=[op.id])["RouteTables"]
        if not found:
            return None
        routes = [
            {
                "cidrBlock": one["DestinationCidrBlock"],
                **{
                    key: one[api]
                    for key, api in (("gatewayId", "GatewayId"), ("natGatewayId", "NatGatewayId"))
                    if one.get(api)
                },
            }
            for one in found[0].get("Routes", [])
            if one.get("DestinationCidrBlock") and one.get("GatewayId") != "local"
        ]
        return {
            **self.receive(found[0]),
            "routes": routes,
            "arn": op.aws.arn("ec2", f"route-table/{op.id}"),
            "ownerId": found[0].get("OwnerId") or op.aws.account,
            "tagsAll": tag_map(found[0].get("Tags")),
        }

    def update(self, op: Op) -> None:
        self._put_routes(op, op.old.get("routes") or [])

    def delete(self, op: Op) -> None:
        retry_delete(op, lambda: op.client("ec2").delete_route_table(RouteTableId=op.id))


@row
class Route(Row):
    token = "aws:ec2/route:Route"
    import_id = "route table id_destination"
    gone = (*RouteTable.gone, "InvalidRoute.NotFound")
    outputs = ("origin", "state")
    props = {
        "routeTableId": text(required=True, replace=True),
        "destinationCidrBlock": text(replace=True),
        "gatewayId": text(),
        "natGatewayId": text(),
    }

    def create(self, op: Op) -> str:
        op.client("ec2").create_route(**self.send(op))
        table, destination = op.inputs["routeTableId"], op.inputs["destinationCidrBlock"]
        return op.created(f"r-{table}{zlib.crc32(destination.encode())}")

    def read(self, op: Op) -> Object | None:
        table, _, destination = op.id.partition("_")
        if not destination:
            known = {**op.inputs, **op.old}
            table, destination = known["routeTableId"], known["destinationCidrBlock"]
        tables = op.client("ec2").describe_route_tables(RouteTableIds=[table])["RouteTables"]
        routes = tables[0].get("Routes", []) if tables else []
        found = next((one for one in routes if one.get("DestinationCidrBlock") == destination), None)
        if found is None:
            return None
        return {
            **self.receive(found),
            "id": f"r-{table}{zlib.crc32(destination.encode())}",
            "routeTableId": table,
            "origin": found.get("Origin", "CreateRoute"),
            "state": found.get("State", "active"),
        }

    def update(self, op: Op) -> None:
        op.client("ec2").replace_route(**self.send(op))

    def delete(self, op: Op) -> None:
        table, destination = op.old["routeTableId"], op.old["destinationCidrBlock"]
        op.client("ec2").delete_route(RouteTableId=table, DestinationCidrBlock=destination)


@row
class RouteTableAssociation(Row):
    token = "aws:ec2/routeTableAssociation:RouteTableAssociation"
    import_id = "subnet id/route table id"
    gone = (*gone_in("AssociationID"), *RouteTable.gone)
    props = {
        "routeTableId": text(required=True),
        "subnetId": text(replace=True),
        "gatewayId": text(replace=True),
    }

    def create(self, op: Op) -> str:
        return op.created(op.client("ec2").associate_route_table(**self.send(op))["AssociationId"])

    def _find(self, op: Op) -> dict[str, Any] | None:
        """By id, or by subnet: a subnet moved to another table gets a new association, but Pulumi keeps the old id."""
        ec2, known = op.client("ec2"), {**op.inputs, **op.old}
        target, _, table = op.id.partition("/")
        subnet = target if table else known.get("subnetId")
        for one in ec2.pages("describe_route_tables", "RouteTables"):
            for association in one.get("Associations", []):
                if association["RouteTableAssociationId"] == op.id or (
                    subnet and association.get("SubnetId") == subnet
                ):
                    return {**association, "RouteTableId": one["RouteTableId"]}
        return None

    def read(self, op: Op) -> Object | None:
        found = self._find(op)
        if found is None:
            return None
        return {**self.receive(found), **({"id": found["RouteTableAssociationId"]} if "/" in op.id else {})}

    def update(self, op: Op) -> None:
        found = self._find(op) or {"RouteTableAssociationId": op.id}
        op.client("ec2").replace_route_table_association(
            AssociationId=found["RouteTableAssociationId"], RouteTableId=op.inputs["routeTableId"]
        )

    def delete(self, op: Op) -> None:
        if found := self._find(op):
            op.client("ec2").disassociate_route_table(AssociationId=found["RouteTableAssociationId"])
