"""The provider's functions; they really ask the cloud, in previews too."""

from collections.abc import Callable
from dataclasses import dataclass

from ..server import PluginError
from ..values import Object, Secret
from . import lookups
from .check import problems
from .properties import Prop, flag, many, mapping, text, texts
from .row import tag_map
from .session import ApiError, Aws

_FILTERS = many({"name": text(required=True), "values": texts(required=True)})
_REGION = text()


@dataclass(frozen=True)
class Function:
    """What it takes, and how the answer is found."""

    args: dict[str, Prop]
    run: Callable[[Aws, Object], Object]


def _caller(aws: Aws, _args: Object) -> Object:
    who = aws.identity()
    return {"accountId": who["Account"], "arn": who["Arn"], "userId": who["UserId"], "id": who["Account"]}


def _region(aws: Aws, args: Object) -> Object:
    name = args.get("region") or args.get("name") or aws.region
    return {"name": name, "region": name, "id": name, "description": name, "endpoint": f"ec2.{name}.amazonaws.com"}


def _zones(aws: Aws, args: Object) -> Object:
    every = {"AllAvailabilityZones": True} if args.get("allAvailabilityZones") else {}
    answer = aws.client("ec2").describe_availability_zones(Filters=lookups.filters(args), **every)["AvailabilityZones"]
    hidden = {*(args.get("excludeNames") or []), *(args.get("excludeZoneIds") or [])}
    zones = [
        zone
        for zone in answer
        if zone.get("State", "available") == (args.get("state") or zone.get("State", "available"))
        and not {zone["ZoneName"], zone.get("ZoneId")} & hidden
    ]
    zones.sort(key=lambda zone: str(zone["ZoneName"]))
    return {
        **args,
        "names": [zone["ZoneName"] for zone in zones],
        "zoneIds": [zone.get("ZoneId", "") for zone in zones],
        "groupNames": sorted({zone.get("GroupName") or aws.region for zone in zones}),
        "id": aws.region,
        "region": aws.region,
    }


def _vpc(aws: Aws, args: Object) -> Object:
    ec2 = aws.client("ec2")
    wanted = lookups.filters(args)
    for key, api in (("cidrBlock", "cidr"), ("state", "state"), ("dhcpOptionsId", "dhcp-options-id")):
        if args.get(key):
            wanted.append({"Name": api, "Values": [args[key]]})
    if args.get("default") is not None:
        wanted.append({"Name": "is-default", "Values": [str(args["default"]).lower()]})
    chosen = {"VpcIds": [args["id"]]} if args.get("id") else {}
    found = ec2.describe_vpcs(Filters=wanted, **chosen)["Vpcs"]
    if len(found) != 1:
        raise PluginError(
            "no matching EC2 VPC found" if not found else "multiple EC2 VPCs matched; use additional constraints"
        )
    vpc = found[0]
    tables = ec2.describe_route_tables(
        Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}, {"Name": "association.main", "Values": ["true"]}]
    )["RouteTables"]
    support = {
        key: ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute=key)[key[0].upper() + key[1:]]["Value"]
        for key in ("enableDnsSupport", "enableDnsHostnames")
    }
    associations = [
        {"associationId": one.get("AssociationId", ""), "cidrBlock": one["CidrBlock"], "state": "associated"}
        for one in vpc.get("CidrBlockAssociationSet") or []
    ]
    return {
        "id": vpc["VpcId"],
        "arn": aws.arn("ec2", f"vpc/{vpc['VpcId']}"),
        "cidrBlock": vpc["CidrBlock"],
        "cidrBlockAssociations": associations,
        "default": bool(vpc.get("IsDefault")),
        "dhcpOptionsId": vpc.get("DhcpOptionsId", ""),
        **support,
        "enableNetworkAddressUsageMetrics": False,
        "instanceTenancy": vpc.get("InstanceTenancy", "default"),
        "ipv6AssociationId": "",
        "ipv6CidrBlock": "",
        "ipv6CidrBlockAssociations": [],
        "mainRouteTableId": tables[0]["RouteTableId"] if tables else "",
        "ownerId": vpc.get("OwnerId", ""),
        "state": vpc.get("State", "available"),
        "region": aws.region,
        "tags": tag_map(vpc.get("Tags")),
    }


def _subnets(aws: Aws, args: Object) -> Object:
    found = aws.client("ec2").pages("describe_subnets", "Subnets", Filters=lookups.filters(args))
    return {
        "id": aws.region,
        "region": aws.region,
        "ids": [one["SubnetId"] for one in found],
        "tags": args.get("tags") or {},
    }


def _oidc(aws: Aws, args: Object) -> Object:
    iam, arn = aws.client("iam"), args.get("arn")
    if not arn:
        address = (args.get("url") or "").removeprefix("https://")
        arns = [one["Arn"] for one in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]]
        arn = next((one for one in arns if one.split("oidc-provider/", 1)[-1] == address), None)
        if arn is None:
            raise PluginError(f"no IAM OpenID Connect provider has the URL {args.get('url')!r}")
    answer = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    return {
        "arn": arn,
        "id": arn,
        "url": answer["Url"],
        "clientIdLists": answer.get("ClientIDList", []),
        "thumbprintLists": answer.get("ThumbprintList", []),
        "tags": tag_map(answer.get("Tags")),
    }


def _parameter(aws: Aws, args: Object) -> Object:
    decrypt = args.get("withDecryption", True)
    found = aws.client("ssm").get_parameter(Name=args["name"], WithDecryption=decrypt)["Parameter"]
    shown = {} if found["Type"] == "SecureString" else {"insecureValue": found["Value"]}
    return {
        "arn": found.get("ARN") or aws.arn("ssm", f"parameter/{args['name'].lstrip('/')}"),
        "id": found["Name"],
        "name": found["Name"],
        "type": found["Type"],
        "value": Secret(found["Value"]),
        **shown,
        "version": found["Version"],
        "withDecryption": decrypt,
        "region": aws.region,
    }


_VPC = {key: text() for key in ("id", "cidrBlock", "state", "dhcpOptionsId")}
_ZONES = {"allAvailabilityZones": flag(), "excludeNames": texts(), "excludeZoneIds": texts(), "state": text()}
FUNCTIONS: dict[str, Function] = {
    "aws:index/getCallerIdentity:getCallerIdentity": Function({"id": text()}, _caller),
    "aws:index/getRegion:getRegion": Function({key: text() for key in ("endpoint", "id", "name", "region")}, _region),
    "aws:index/getAvailabilityZones:getAvailabilityZones": Function(
        {**_ZONES, "filters": _FILTERS, "region": _REGION}, _zones
    ),
    "aws:ec2/getVpc:getVpc": Function(
        {**_VPC, "default": flag(), "filters": _FILTERS, "tags": mapping(), "region": _REGION}, _vpc
    ),
    "aws:ec2/getSubnets:getSubnets": Function({"filters": _FILTERS, "tags": mapping(), "region": _REGION}, _subnets),
    "aws:acm/getCertificate:getCertificate": Function(
        {
            "domain": text(),
            **{key: texts() for key in ("keyTypes", "statuses", "types")},
            "mostRecent": flag(),
            "tags": mapping(),
            "region": _REGION,
        },
        lookups.certificate,
    ),
    "aws:ec2/getAmi:getAmi": Function(
        {
            "filters": _FILTERS,
            **{key: texts() for key in ("executableUsers", "owners")},
            **{key: flag() for key in ("allowUnsafeFilter", "includeDeprecated", "mostRecent")},
            **{key: text() for key in ("nameRegex", "uefiData")},
            "tags": mapping(),
            "region": _REGION,
        },
        lookups.image,
    ),
    "aws:ec2/getInstance:getInstance": Function(
        {
            "filters": _FILTERS,
            **{key: flag() for key in ("getPasswordData", "getUserData")},
            "instanceId": text(),
            **{key: mapping() for key in ("instanceTags", "tags")},
            "region": _REGION,
        },
        lookups.instance,
    ),
    "aws:ec2/getInstances:getInstances": Function(
        {"filters": _FILTERS, "instanceStateNames": texts(), "instanceTags": mapping(), "region": _REGION},
        lookups.instances,
    ),
    "aws:iam/getOpenIdConnectProvider:getOpenIdConnectProvider": Function(
        {"arn": text(), "url": text(), "tags": mapping()}, _oidc
    ),
    "aws:ssm/getParameter:getParameter": Function(
        {"name": text(required=True), "withDecryption": flag(), "region": _REGION}, _parameter
    ),
}


def call(token: str, aws: Aws, args: Object) -> tuple[Object, list[tuple[str, str]]]:
    """The function's result, or what is wrong with its arguments."""
    function = FUNCTIONS[token]
    failures = list(problems(token, function.args, args))
    if args.get("region") not in (None, aws.region) and token != "aws:index/getRegion:getRegion":
        failures.append(("region", f"the local cloud has one region, {aws.region}, got {args['region']!r}"))
    if failures:
        return {}, failures
    try:
        return function.run(aws, args), []
    except ApiError as error:
        raise PluginError(f"invoking {token}: {error}") from error
