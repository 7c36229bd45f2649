"""EC2: instances."""

from typing import Any, ClassVar

from ...values import Object
from ..properties import Prop, flag, mapping, one, text, texts, to_api, whole
from ..row import Op, row, tag_list, tag_map
from . import instance_parts as parts
from .ec2 import Ec2, gone_in

_WAIT_SECONDS = 600
_STATES = ("pending", "running", "shutting-down", "stopping", "stopped")  # of an instance that is there


@row
class Instance(Ec2):
    """New user data is a new instance with `userDataReplaceOnChange`; else the instance is stopped for it."""

    token = "aws:ec2/instance:Instance"
    import_id = "the instance's id"
    resource_type = "instance"
    gone = gone_in("InstanceID", "InstanceId")
    outputs = (
        "arn",
        "instanceState",
        "primaryNetworkInterfaceId",
        "privateDns",
        "publicDns",
        "publicIp",
    )
    unstable: ClassVar = {
        "publicIp": ("instanceType", "userData", "userDataBase64"),
        "publicDns": ("instanceType", "userData", "userDataBase64"),
    }
    props = {
        "ami": text(computed=True, imported=True, replace=True, api="ImageId"),
        "instanceType": text(computed=True, imported=True),
        "subnetId": text(computed=True, imported=True, replace=True, api=""),
        "vpcSecurityGroupIds": texts(computed=True, imported=True, unordered=True, api=""),
        "availabilityZone": text(computed=True, replace=True, api=""),
        "privateIp": text(computed=True, replace=True, api=""),
        "associatePublicIpAddress": flag(computed=True, replace=True, api=""),
        "keyName": text(computed=True, imported=True, replace=True),
        "iamInstanceProfile": text(computed=True, imported=True, api=""),
        "userData": text(api=""),
        "userDataBase64": text(api=""),
        "userDataReplaceOnChange": flag(default=False, kept=True),
        "metadataOptions": one(
            {
                "httpEndpoint": text(computed=True),
                "httpTokens": text(computed=True),
                "httpPutResponseHopLimit": whole(computed=True),
                "instanceMetadataTags": text(computed=True),
            },
            computed=True,
        ),
        "rootBlockDevice": one(
            {
                "volumeSize": whole(computed=True),
                "volumeType": text(computed=True),
                "iops": whole(computed=True),
                "throughput": whole(computed=True),
                "encrypted": flag(computed=True, replace=True),
                "kmsKeyId": text(computed=True, replace=True),
                "deleteOnTermination": flag(default=True),
                "tags": mapping(),
            },
            computed=True,
            api="",
        ),
        "volumeTags": mapping(api=""),
        "disableApiTermination": flag(computed=True),
        "monitoring": flag(computed=True, api=""),
    }

    @classmethod
    def props_for(cls, inputs: Object) -> dict[str, Prop]:
        props = cls.all_props()
        if inputs.get("userDataReplaceOnChange"):
            props |= {key: text(api="", replace=True) for key in ("userData", "userDataBase64")}
        return props

    def check(self, inputs: Object) -> list[tuple[str, str]]:
        failures = []
        if inputs.get("userData") is not None and inputs.get("userDataBase64") is not None:
            failures.append(("userData", f"{self.token} takes userData or userDataBase64, not both"))
        failures += [
            (key, f"{self.token} needs the property '{key}'") for key in ("ami", "instanceType") if not inputs.get(key)
        ]
        return failures

    def create(self, op: Op) -> str:
        answer = op.client("ec2").run_instances(MinCount=1, MaxCount=1, **self._launch(op))
        op.created(answer["Instances"][0]["InstanceId"])
        self._wait(op, "running")
        return op.id

    def _launch(self, op: Op) -> dict[str, Any]:
        given = op.inputs
        sent = {**self.send(op), **parts.place(given), **parts.disk(op)}
        if profile := given.get("iamInstanceProfile"):
            sent["IamInstanceProfile"] = {"Name": profile}
        if data := parts.user_data(given):
            sent["UserData"] = data  # the SDK encodes it
        if zone := given.get("availabilityZone"):
            sent["Placement"] = {"AvailabilityZone": zone}
        if given.get("monitoring") is not None:
            sent["Monitoring"] = {"Enabled": given["monitoring"]}
        return {**sent, **self._all_tags(op)}

    def _all_tags(self, op: Op) -> dict[str, Any]:
        specifications = self.tags(op).get("TagSpecifications", [])
        root = (op.inputs.get("rootBlockDevice") or {}).get("tags")
        if volume := op.inputs.get("volumeTags") or root:
            specifications = [*specifications, {"ResourceType": "volume", "Tags": tag_list(volume)}]
        return {"TagSpecifications": specifications} if specifications else {}

    def _wait(self, op: Op, state: str) -> None:
        def reached() -> bool:
            found = parts.describe(op)
            name = found["State"]["Name"] if found else "gone"
            return name == state or (state == "terminated" and name == "gone")

        op.wait(f"the instance {op.id} to be {state}", reached, _WAIT_SECONDS)

    def read(self, op: Op) -> Object | None:
        found = parts.describe(op)
        if found is None or found["State"]["Name"] not in _STATES:
            return None
        known = {**op.inputs, **op.old}
        interfaces = found.get("NetworkInterfaces") or [{}]
        profile = (found.get("IamInstanceProfile") or {}).get("Arn", "")
        shown = {
            **self.receive(found),
            "subnetId": found.get("SubnetId"),
            "vpcSecurityGroupIds": [group["GroupId"] for group in found.get("SecurityGroups", [])],
            "availabilityZone": found.get("Placement", {}).get("AvailabilityZone"),
            "privateIp": found.get("PrivateIpAddress"),
            "associatePublicIpAddress": bool(found.get("PublicIpAddress")),
            "iamInstanceProfile": profile.rsplit("/", 1)[-1],
            "monitoring": found.get("Monitoring", {}).get("State") == "enabled",
            "disableApiTermination": parts.attribute(op, "disableApiTermination") == "true",
            "rootBlockDevice": parts.root(op, found, known.get("rootBlockDevice")),
            "volumeTags": known.get("volumeTags"),
            **parts.user_data_shown(op, known),
            "arn": op.aws.arn("ec2", f"instance/{op.id}"),
            "instanceState": found["State"]["Name"],
            "primaryNetworkInterfaceId": interfaces[0].get("NetworkInterfaceId", ""),
            "privateDns": found.get("PrivateDnsName", ""),
            "publicDns": found.get("PublicDnsName", ""),
            "publicIp": found.get("PublicIpAddress", ""),
            "tagsAll": tag_map(found.get("Tags")),
        }
        return {key: value for key, value in shown.items() if value is not None}

    def update(self, op: Op) -> None:
        ec2, given = op.client("ec2"), op.inputs
        if "vpcSecurityGroupIds" in op.changed:
            ec2.modify_instance_attribute(InstanceId=op.id, Groups=given["vpcSecurityGroupIds"])
        if "disableApiTermination" in op.changed:
            wanted = {"Value": bool(given.get("disableApiTermination"))}
            ec2.modify_instance_attribute(InstanceId=op.id, DisableApiTermination=wanted)
        if "metadataOptions" in op.changed and given.get("metadataOptions"):
            options = to_api(self.props["metadataOptions"].fields or {}, given["metadataOptions"], upper=True)
            ec2.modify_instance_metadata_options(InstanceId=op.id, **options)
        if "iamInstanceProfile" in op.changed:
            self._profile(op)
        if "monitoring" in op.changed:
            (ec2.monitor_instances if given.get("monitoring") else ec2.unmonitor_instances)(InstanceIds=[op.id])
        if op.changed & {"volumeTags", "rootBlockDevice"}:
            self._volume(op)
        if op.changed & {"instanceType", "userData", "userDataBase64"}:
            self._while_stopped(op)

    def _profile(self, op: Op) -> None:
        ec2 = op.client("ec2")
        here = [{"Name": "instance-id", "Values": [op.id]}]
        found = ec2.describe_iam_instance_profile_associations(Filters=here)["IamInstanceProfileAssociations"]
        present = [one["AssociationId"] for one in found if one["State"] in ("associated", "associating")]
        wanted = {"IamInstanceProfile": {"Name": op.inputs.get("iamInstanceProfile")}}
        if present and op.inputs.get("iamInstanceProfile"):
            ec2.replace_iam_instance_profile_association(AssociationId=present[0], **wanted)
        elif present:
            ec2.disassociate_iam_instance_profile(AssociationId=present[0])
        else:
            ec2.associate_iam_instance_profile(InstanceId=op.id, **wanted)

    def _volume(self, op: Op) -> None:
        ec2, volume = op.client("ec2"), parts.root_volume(parts.describe(op) or {})
        root = op.inputs.get("rootBlockDevice") or {}
        if tags := op.inputs.get("volumeTags") or root.get("tags"):
            ec2.create_tags(Resources=[volume], Tags=tag_list(tags))
        names = {"volumeSize": "Size", "volumeType": "VolumeType", "iops": "Iops", "throughput": "Throughput"}
        before = op.old.get("rootBlockDevice") or {}
        if changes := {api: root[key] for key, api in names.items() if key in root and root[key] != before.get(key)}:
            ec2.modify_volume(VolumeId=volume, **changes)

    def _while_stopped(self, op: Op) -> None:
        ec2, given = op.client("ec2"), op.inputs
        ec2.stop_instances(InstanceIds=[op.id])
        self._wait(op, "stopped")
        if "instanceType" in op.changed:
            ec2.modify_instance_attribute(InstanceId=op.id, InstanceType={"Value": given["instanceType"]})
        if op.changed & {"userData", "userDataBase64"}:
            ec2.modify_instance_attribute(InstanceId=op.id, UserData={"Value": parts.user_data(given) or b""})
        ec2.start_instances(InstanceIds=[op.id])
        self._wait(op, "running")

    def delete(self, op: Op) -> None:
        op.client("ec2").terminate_instances(InstanceIds=[op.id])
        self._wait(op, "terminated")
