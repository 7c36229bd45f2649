"""Functions that look for what others made: certificates, images, instances."""

from typing import Any

from ..server import PluginError
from ..values import Object
from .row import tag_map
from .session import Aws


def filters(args: Object, tags: str = "tags") -> list[dict[str, Any]]:
    """EC2's filters of a function's arguments."""
    given = [{"Name": one["name"], "Values": one["values"]} for one in args.get("filters") or []]
    return given + [{"Name": f"tag:{key}", "Values": [value]} for key, value in (args.get(tags) or {}).items()]


def certificate(aws: Aws, args: Object) -> Object:
    """ACM's certificate of a domain: an issued one unless other states are asked for, one alone unless the newest."""
    acm, domain = aws.client("acm"), args.get("domain")
    kinds = {"Includes": {"keyTypes": args["keyTypes"]}} if args.get("keyTypes") else {}
    listed = acm.pages(
        "list_certificates", "CertificateSummaryList", CertificateStatuses=args.get("statuses") or ["ISSUED"], **kinds
    )
    arns = [one["CertificateArn"] for one in listed if domain in (None, one["DomainName"])]
    found = [acm.describe_certificate(CertificateArn=arn)["Certificate"] for arn in arns]
    found = [one for one in found if not args.get("types") or one["Type"] in args["types"]]
    tags = {
        one["CertificateArn"]: tag_map(acm.list_tags_for_certificate(CertificateArn=one["CertificateArn"]).get("Tags"))
        for one in found
    }
    wanted = (args.get("tags") or {}).items()
    found = [one for one in found if wanted <= tags[one["CertificateArn"]].items()]
    if not found:
        raise PluginError(f"no ACM certificate matches the domain {domain!r}")
    if len(found) > 1 and not args.get("mostRecent"):
        raise PluginError(f"multiple ACM certificates match the domain {domain!r}; set mostRecent to take the newest")
    newest = max(found, key=lambda one: str(one.get("NotBefore") or one.get("IssuedAt") or one.get("CreatedAt") or ""))
    arn = newest["CertificateArn"]
    body = acm.get_certificate(CertificateArn=arn) if newest["Status"] == "ISSUED" else {}
    return {
        **args,
        "id": arn,
        "arn": arn,
        "domain": newest["DomainName"],
        "status": newest["Status"],
        "certificate": body.get("Certificate", ""),
        "certificateChain": body.get("CertificateChain", ""),
        "tags": tags[arn],
        "region": aws.region,
    }


def image(aws: Aws, args: Object) -> Object:
    """One machine image, the newest of several only when asked for."""
    chosen = {
        key: args[name]
        for key, name in (("Owners", "owners"), ("ExecutableUsers", "executableUsers"))
        if args.get(name)
    }
    found = aws.client("ec2").describe_images(Filters=filters(args), **chosen)["Images"]
    if args.get("nameRegex"):
        import re

        found = [one for one in found if re.search(args["nameRegex"], one.get("Name", ""))]
    if not found:
        raise PluginError("Your query returned no results. Please change your search criteria and try again.")
    if len(found) > 1 and not args.get("mostRecent"):
        raise PluginError("Your query returned more than one result. Set mostRecent or narrow the search.")
    newest = max(found, key=lambda one: str(one.get("CreationDate", "")))
    shown = {
        "architecture": "Architecture",
        "creationDate": "CreationDate",
        "description": "Description",
        "name": "Name",
        "ownerId": "OwnerId",
        "rootDeviceName": "RootDeviceName",
        "rootDeviceType": "RootDeviceType",
        "state": "State",
        "virtualizationType": "VirtualizationType",
    }
    return {
        **args,
        **{key: newest.get(api, "") for key, api in shown.items()},
        "id": newest["ImageId"],
        "imageId": newest["ImageId"],
        "arn": f"arn:{aws.partition}:ec2:{aws.region}::image/{newest['ImageId']}",
        "tags": tag_map(newest.get("Tags")),
        "region": aws.region,
    }


def _instances(aws: Aws, wanted: list[dict[str, Any]], **chosen: Any) -> list[Object]:
    reservations = aws.client("ec2").pages("describe_instances", "Reservations", Filters=wanted, **chosen)
    return [one for reservation in reservations for one in reservation["Instances"]]


def instances(aws: Aws, args: Object) -> Object:
    """The running instances that match, or those in the states asked for."""
    states = args.get("instanceStateNames") or ["running"]
    wanted = [*filters(args, "instanceTags"), {"Name": "instance-state-name", "Values": states}]
    found = _instances(aws, wanted)
    return {
        **args,
        "id": aws.region,
        "ids": [one["InstanceId"] for one in found],
        "privateIps": [one["PrivateIpAddress"] for one in found if one.get("PrivateIpAddress")],
        "publicIps": [one["PublicIpAddress"] for one in found if one.get("PublicIpAddress")],
        "ipv6Addresses": [],
        "instanceTags": args.get("instanceTags") or {},
        "region": aws.region,
    }


def instance(aws: Aws, args: Object) -> Object:
    """The one instance that matches; terminated ones are passed over."""
    chosen = {"InstanceIds": [args["instanceId"]]} if args.get("instanceId") else {}
    found = _instances(aws, filters(args, "instanceTags"), **chosen)
    found = [one for one in found if one["State"]["Name"] != "terminated"]
    if len(found) != 1:
        many = "no result" if not found else "more than one result"
        raise PluginError(f"the search for an EC2 instance returned {many}; it must return one")
    one = found[0]
    return {
        **args,
        "id": one["InstanceId"],
        "instanceId": one["InstanceId"],
        "arn": aws.arn("ec2", f"instance/{one['InstanceId']}"),
        "ami": one.get("ImageId", ""),
        "availabilityZone": one.get("Placement", {}).get("AvailabilityZone", ""),
        "iamInstanceProfile": (one.get("IamInstanceProfile") or {}).get("Arn", "").rsplit("/", 1)[-1],
        "instanceState": one["State"]["Name"],
        "instanceTags": tag_map(one.get("Tags")),
        "instanceType": one.get("InstanceType", ""),
        "keyName": one.get("KeyName", ""),
        "privateDns": one.get("PrivateDnsName", ""),
        "privateIp": one.get("PrivateIpAddress", ""),
        "publicDns": one.get("PublicDnsName", ""),
        "publicIp": one.get("PublicIpAddress", ""),
        "subnetId": one.get("SubnetId", ""),
        "vpcSecurityGroupIds": [group["GroupId"] for group in one.get("SecurityGroups", [])],
        "tags": tag_map(one.get("Tags")),
        "region": aws.region,
    }
