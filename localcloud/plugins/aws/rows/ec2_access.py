"""EC2: key pairs and elastic addresses."""

from typing import Any

from ...values import Object
from ..properties import flag, name, text
from ..row import Op, Row, row, tag_map
from ..session import ApiError
from .ec2 import Ec2, gone_in


@row
class KeyPair(Ec2):
    """Of a key made elsewhere; the cloud keeps its public half."""

    token = "aws:ec2/keyPair:KeyPair"
    import_id = "the key pair's name"
    resource_type = "key-pair"
    gone = (*gone_in("KeyPair"), "InvalidKeyPair.NotFound")
    outputs = ("arn", "fingerprint", "keyPairId", "keyType")
    props = {
        "keyName": name(255),
        "publicKey": text(required=True, replace=True, api=""),
    }

    def create(self, op: Op) -> str:
        key = op.inputs["publicKey"].encode()
        op.client("ec2").import_key_pair(KeyName=op.inputs["keyName"], PublicKeyMaterial=key, **self.tags(op))
        return op.created(op.inputs["keyName"])

    def read(self, op: Op) -> Object | None:
        found = op.client("ec2").describe_key_pairs(KeyNames=[op.id], IncludePublicKey=True)["KeyPairs"][0]
        known = {**op.inputs, **op.old}.get("publicKey")
        return {
            **self.receive(found),
            "publicKey": found.get("PublicKey") or known,
            "arn": op.aws.arn("ec2", f"key-pair/{op.id}"),
            "fingerprint": found.get("KeyFingerprint", ""),
            "keyPairId": found["KeyPairId"],
            "keyType": found.get("KeyType") or ("ed25519" if "ed25519" in (known or "") else "rsa"),
            "tagsAll": tag_map(found.get("Tags")),
        }

    def retag(self, op: Op, put: dict[str, str], removed: list[str]) -> None:
        pair = Op(aws=op.aws, engine=op.engine, urn=op.urn, inputs=op.inputs, id=op.old["keyPairId"])
        super().retag(pair, put, removed)

    def delete(self, op: Op) -> None:
        op.client("ec2").delete_key_pair(KeyName=op.id)


@row
class Eip(Ec2):
    """A fixed public address, free or an instance's."""

    token = "aws:ec2/eip:Eip"
    import_id = "the allocation's id"
    resource_type = "elastic-ip"
    gone = ("InvalidAllocationID.NotFound", "InvalidAddress.NotFound")
    outputs = ("allocationId", "arn", "associationId", "privateIp", "publicDns", "publicIp")
    unstable = {"associationId": ("instance",), "privateIp": ("instance",)}
    props = {
        "domain": text(computed=True, replace=True),
        "instance": text(computed=True, api=""),
        "networkInterface": text(computed=True, api=""),
    }

    def create(self, op: Op) -> str:
        sent = {"Domain": "vpc", **self.send(op)}
        op.created(op.client("ec2").allocate_address(**sent, **self.tags(op))["AllocationId"])
        if op.inputs.get("instance"):
            self._associate(op)
        return op.id

    def _associate(self, op: Op) -> None:
        op.client("ec2").associate_address(AllocationId=op.id, InstanceId=op.inputs["instance"])

    def _find(self, op: Op) -> Object | None:
        found = op.client("ec2").describe_addresses(AllocationIds=[op.id])["Addresses"]
        return found[0] if found else None

    def read(self, op: Op) -> Object | None:
        found = self._find(op)
        if found is None:
            return None
        address = found["PublicIp"]
        return {
            **self.receive(found),
            "instance": found.get("InstanceId", ""),
            "networkInterface": found.get("NetworkInterfaceId", ""),
            "allocationId": op.id,
            "arn": op.aws.arn("ec2", f"elastic-ip/{op.id}"),
            "associationId": found.get("AssociationId", ""),
            "privateIp": found.get("PrivateIpAddress", ""),
            "publicDns": f"ec2-{address.replace('.', '-')}.compute-1.amazonaws.com",
            "publicIp": address,
            "tagsAll": tag_map(found.get("Tags")),
        }

    def update(self, op: Op) -> None:
        self._disassociate(op)
        if op.inputs.get("instance"):
            self._associate(op)

    def _disassociate(self, op: Op) -> None:
        if association := (self._find(op) or {}).get("AssociationId"):
            op.client("ec2").disassociate_address(AssociationId=association)

    def delete(self, op: Op) -> None:
        self._disassociate(op)
        op.client("ec2").release_address(AllocationId=op.id)


@row
class EipAssociation(Row):
    token = "aws:ec2/eipAssociation:EipAssociation"
    import_id = "the association's id"
    gone = ("InvalidAssociationID.NotFound",)
    props = {
        "allocationId": text(computed=True, imported=True, replace=True),
        "instanceId": text(computed=True, imported=True, replace=True),
        "allowReassociation": flag(kept=True, replace=True),
        "publicIp": text(computed=True, replace=True, api=""),
    }

    def create(self, op: Op) -> str:
        allow: dict[str, Any] = {"AllowReassociation": bool(op.inputs.get("allowReassociation"))}
        return op.created(op.client("ec2").associate_address(**self.send(op), **allow)["AssociationId"])

    def read(self, op: Op) -> Object | None:
        addresses = op.client("ec2").describe_addresses()["Addresses"]
        found = next((one for one in addresses if one.get("AssociationId") == op.id), None)
        return {**self.receive(found), "publicIp": found["PublicIp"]} if found else None

    def delete(self, op: Op) -> None:
        try:
            op.client("ec2").disassociate_address(AssociationId=op.id)
        except ApiError as error:
            if not self.is_gone(error):
                raise
