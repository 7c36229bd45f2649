"""What EC2 keeps of an instance beyond MiniStack's record: attributes, metadata options, disk, interface."""

import re
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from localcloud.aws.ec2.engine import ec2

Params = dict[str, Any]
Handler = Callable[[Params], Any]
_METADATA = {  # parameter -> what AWS sets by itself
    "HttpEndpoint": "enabled",
    "HttpTokens": "required",
    "HttpPutResponseHopLimit": "2",
    "HttpProtocolIpv6": "disabled",
    "InstanceMetadataTags": "disabled",
}
_PRIVATE = {"PublicIpAddress": "", "PublicDnsName": ""}
_DISK = {"VolumeSize": "Size", "VolumeType": "VolumeType", "Iops": "Iops", "Throughput": "Throughput"}


def install() -> None:
    """Put these in place, around the handlers there are."""
    actions = ec2._ACTION_MAP
    actions["RunInstances"] = _run(actions["RunInstances"])
    actions["TerminateInstances"] = _terminate(actions["TerminateInstances"])
    actions["ModifyInstanceAttribute"] = _modify_attribute
    actions["ModifyInstanceMetadataOptions"] = _modify_metadata_options
    actions["DescribeInstanceAttribute"] = _describe_attribute(actions["DescribeInstanceAttribute"])
    ec2._instance_xml = _instance_xml(ec2._instance_xml)


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]


# -- starting and ending ---


def _run(original: Handler) -> Handler:
    """RunInstances that hears of network interfaces, disks and metadata options."""

    def run(params: Params) -> Any:
        answer = original(_plain(params))
        status, _, body = answer
        if status == 200:
            text = body if isinstance(body, str) else body.decode()
            for instance in dict.fromkeys(re.findall(r"<instanceId>(i-[0-9a-f]+)</instanceId>", text)):
                _remember(ec2._instances[instance], params)
        return answer

    return run


def _plain(params: Params) -> Params:
    """The parameters of the first network interface at the place of the instance's own."""
    given = dict(params)
    base = "NetworkInterface.1."
    for name in ("SubnetId", "PrivateIpAddress"):
        if value := ec2._p(params, base + name):
            given[name] = [value]
    for index, group in enumerate(ec2._parse_member_list(params, base + "SecurityGroupId"), 1):
        given[f"SecurityGroupId.{index}"] = [group]
    return given


def _remember(record: Params, params: Params) -> None:
    record["DisableApiTermination"] = ec2._p(params, "DisableApiTermination") == "true"
    record["MetadataOptions"] = {
        name: ec2._p(params, f"MetadataOptions.{name}") or default for name, default in _METADATA.items()
    }
    subnet = ec2._subnets.get(record["SubnetId"], {})
    wanted = ec2._p(params, "NetworkInterface.1.AssociatePublicIpAddress")
    record["Public"] = wanted == "true" if wanted else bool(subnet.get("MapPublicIpOnLaunch"))
    if zone := subnet.get("AvailabilityZone"):
        record["Placement"]["AvailabilityZone"] = zone
    for mapping in record["BlockDeviceMappings"]:
        volume = ec2._volumes.get(mapping["Ebs"]["VolumeId"])
        if volume is not None:
            volume["AvailabilityZone"] = record["Placement"]["AvailabilityZone"]
            _size(volume, params)
            ec2._parse_tag_specs(params, "volume", volume["VolumeId"])


def _size(volume: Params, params: Params) -> None:
    base = "BlockDeviceMapping.1.Ebs."
    for name, field in _DISK.items():
        if value := ec2._p(params, base + name):
            volume[field] = value if name == "VolumeType" else int(value)
    volume["Encrypted"] = ec2._p(params, base + "Encrypted") == "true"
    kept = ec2._p(params, base + "DeleteOnTermination") == "false"
    volume["Attachments"][0]["DeleteOnTermination"] = not kept


def _terminate(original: Handler) -> Handler:
    """TerminateInstances that refuses those which are protected."""

    def terminate(params: Params) -> Any:
        for instance in ec2._parse_member_list(params, "InstanceId"):
            if ec2._instances.get(instance, {}).get("DisableApiTermination"):
                return ec2._error(
                    "OperationNotPermitted",
                    f"The instance '{instance}' may not be terminated. Modify its 'disableApiTermination' instance "
                    "attribute and try again.",
                    400,
                )
        return original(params)

    return terminate


# -- attributes ---


def _missing(instance: str) -> Any:
    return ec2._error("InvalidInstanceID.NotFound", f"The instance ID '{instance}' does not exist", 400)


def _modify_attribute(params: Params) -> Any:
    instance = ec2._p(params, "InstanceId")
    record = ec2._instances.get(instance)
    if record is None:
        return _missing(instance)
    groups = ec2._parse_member_list(params, "GroupId")
    for group in groups:
        if group not in ec2._security_groups:
            return ec2._error("InvalidGroup.NotFound", f"The security group '{group}' does not exist", 400)
    asleep = {"InstanceType": "InstanceType.Value", "UserData": "UserData.Value"}
    if any(key in params for key in asleep.values()) and record["State"]["Name"] != "stopped":
        return ec2._error("IncorrectInstanceState", f"The instance '{instance}' is not in the 'stopped' state.", 400)
    for field, key in asleep.items():
        if key in params:
            record[field] = ec2._p(params, key)
    if groups:
        record["SecurityGroups"] = [
            {"GroupId": group, "GroupName": ec2._security_groups[group]["GroupName"]} for group in groups
        ]
    if "DisableApiTermination.Value" in params:
        record["DisableApiTermination"] = ec2._p(params, "DisableApiTermination.Value") == "true"
    return ec2._xml(200, "ModifyInstanceAttributeResponse", "<return>true</return>")


def _modify_metadata_options(params: Params) -> Any:
    instance = ec2._p(params, "InstanceId")
    record = ec2._instances.get(instance)
    if record is None:
        return _missing(instance)
    options = record.setdefault("MetadataOptions", dict(_METADATA))
    options.update({name: ec2._p(params, name) for name in _METADATA if ec2._p(params, name)})
    shown = f"<instanceId>{instance}</instanceId><instanceMetadataOptions>{_options_xml(options)}"
    return ec2._xml(200, "ModifyInstanceMetadataOptionsResponse", f"{shown}</instanceMetadataOptions>")


def _options_xml(options: dict[str, str]) -> str:
    values = "".join(f"<{_lower(name)}>{escape(value)}</{_lower(name)}>" for name, value in options.items())
    return f"<state>applied</state>{values}"


def _describe_attribute(original: Handler) -> Handler:
    def describe(params: Params) -> Any:
        instance, attribute = ec2._p(params, "InstanceId"), ec2._p(params, "Attribute")
        record = ec2._instances.get(instance)
        if record is None or attribute not in ("userData", "disableApiTermination"):
            return original(params)
        protected = str(record.get("DisableApiTermination", False)).lower()
        value = protected if attribute == "disableApiTermination" else record.get("UserData") or ""
        inner = f"<value>{escape(value)}</value>" if value else ""
        shown = f"<instanceId>{instance}</instanceId><{attribute}>{inner}</{attribute}>"
        return ec2._xml(200, "DescribeInstanceAttributeResponse", shown)

    return describe


def _instance_xml(original: Callable[[Params], str]) -> Callable[[Params], str]:
    """An instance with its metadata options, its one network interface, and no public address where none was wanted."""

    def xml(record: Params) -> str:
        text = original(record if record.get("Public", True) else {**record, **_PRIVATE})
        groups = "".join(
            f"<item><groupId>{group['GroupId']}</groupId><groupName>{escape(group['GroupName'])}</groupName></item>"
            for group in record.get("SecurityGroups", [])
        )
        interface = f"""<networkInterfaceSet><item>
            <networkInterfaceId>eni-{record["InstanceId"][2:]}</networkInterfaceId>
            <subnetId>{record["SubnetId"]}</subnetId><vpcId>{record["VpcId"]}</vpcId><status>in-use</status>
            <privateIpAddress>{record["PrivateIpAddress"]}</privateIpAddress><groupSet>{groups}</groupSet>
            <attachment><attachmentId>eni-attach-{record["InstanceId"][2:]}</attachmentId>
            <deviceIndex>0</deviceIndex><status>attached</status></attachment></item></networkInterfaceSet>"""
        options = _options_xml(record.get("MetadataOptions", _METADATA))
        end = text.rindex("</item>")
        return f"{text[:end]}<metadataOptions>{options}</metadataOptions>{interface}</item>"

    return xml
