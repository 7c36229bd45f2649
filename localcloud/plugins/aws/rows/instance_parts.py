"""What an instance is asked for and shown with: its place, disk and user data."""

import base64
from typing import Any

from ...values import Object
from ..row import Op, tag_map


def describe(op: Op) -> Object | None:
    """The instance as EC2 tells it."""
    reservations = op.client("ec2").describe_instances(InstanceIds=[op.id])["Reservations"]
    return next((one for group in reservations for one in group["Instances"]), None)


def attribute(op: Op, name: str) -> str:
    """One attribute as text."""
    answer = op.client("ec2").describe_instance_attribute(InstanceId=op.id, Attribute=name)
    value = answer.get(name[0].upper() + name[1:], {}).get("Value", "")
    return str(value).lower() if isinstance(value, bool) else str(value)


def place(given: Object) -> dict[str, Any]:
    """Subnet, groups and address; a say on the public address needs the form with a network interface."""
    values = {
        "SubnetId": given.get("subnetId"),
        "PrivateIpAddress": given.get("privateIp"),
    }
    groups = given.get("vpcSecurityGroupIds")
    public = given.get("associatePublicIpAddress")
    if public is None:
        values["SecurityGroupIds"] = groups
        return {key: value for key, value in values.items() if value}
    interface = {"DeviceIndex": 0, "AssociatePublicIpAddress": public, "Groups": groups, **values}
    return {"NetworkInterfaces": [{key: value for key, value in interface.items() if value not in (None, [])}]}


def user_data(given: Object) -> bytes:
    """What the instance runs at its first start."""
    if given.get("userDataBase64"):
        return base64.b64decode(given["userDataBase64"])
    return (given.get("userData") or "").encode()


def user_data_shown(op: Op, known: Object) -> Object:
    """In the form the program gave it; as text on import."""
    encoded = attribute(op, "userData")
    if known.get("userDataBase64") is not None:
        return {"userDataBase64": encoded}
    if encoded or known.get("userData") is not None:
        return {"userData": base64.b64decode(encoded).decode(errors="replace")}
    return {}


def disk(op: Op) -> dict[str, Any]:
    """The root volume of a launch."""
    root = op.inputs.get("rootBlockDevice")
    if not root:
        return {}
    images = op.client("ec2").describe_images(ImageIds=[op.inputs["ami"]])["Images"]
    device = images[0].get("RootDeviceName") if images else ""
    disk = {key[0].upper() + key[1:]: value for key, value in root.items() if key not in ("tags", "__defaults")}
    return {"BlockDeviceMappings": [{"DeviceName": device or "/dev/xvda", "Ebs": disk}]}


def root_volume(found: Object) -> str:
    """The root volume's id, empty where there is none."""
    mappings = found.get("BlockDeviceMappings") or []
    root = [one["Ebs"]["VolumeId"] for one in mappings if one["DeviceName"] == found.get("RootDeviceName")]
    return root[0] if root else ""


def root(op: Op, found: Object, known: Object | None) -> Object | None:
    """The root volume as the cloud has it; as the program wants it where the cloud has none."""
    volume = root_volume(found)
    if not volume:
        return known
    shown = op.client("ec2").describe_volumes(VolumeIds=[volume])["Volumes"][0]
    names = {"Size": "volumeSize", "VolumeType": "volumeType", "Iops": "iops", "Throughput": "throughput"}
    values = {key: shown[api] for api, key in names.items() if shown.get(api)}
    attached = (shown.get("Attachments") or [{}])[0]
    tags = tag_map(shown.get("Tags"))
    return {
        **values,
        "encrypted": bool(shown.get("Encrypted")),
        "deleteOnTermination": bool(attached.get("DeleteOnTermination", True)),
        **({"tags": tags} if (known or {}).get("tags") is not None else {}),
    }
