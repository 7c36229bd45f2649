"""CloudFront: distributions of one kind of origin, and the access they have to it."""

import uuid
from typing import Any

from ...values import Object
from ..properties import flag, many, name, one, text, texts
from ..row import Op, Row, row, tag_list, tag_map

_ORIGIN = {
    "originId": text(required=True),
    "domainName": text(required=True),
    "originPath": text(),
    "originAccessControlId": text(),
}
_BEHAVIOR = {
    "targetOriginId": text(required=True),
    "viewerProtocolPolicy": text(required=True),
    "allowedMethods": texts(required=True, unordered=True),
    "cachedMethods": texts(required=True, unordered=True),
    "cachePolicyId": text(),
    "compress": flag(default=False),
}
_CERTIFICATE = {
    "cloudfrontDefaultCertificate": flag(),
    "acmCertificateArn": text(),
    "sslSupportMethod": text(),
    "minimumProtocolVersion": text(),
}
_GEO = {"restrictionType": text(required=True), "locations": texts(unordered=True)}
WAIT_SECONDS = 900.0


@row
class Distribution(Row):
    """Disabled before it is deleted, as CloudFront wants it."""

    token = "aws:cloudfront/distribution:Distribution"
    import_id = "the distribution's id"
    tagged = True
    regional = False
    gone = ("NoSuchDistribution",)
    outputs = ("arn", "domainName", "etag", "status")
    props = {
        "enabled": flag(required=True),
        "comment": text(),
        "defaultRootObject": text(),
        "aliases": texts(unordered=True),
        "priceClass": text(default="PriceClass_All"),
        "origins": many(_ORIGIN, required=True, unordered=True),
        "defaultCacheBehavior": one(_BEHAVIOR, required=True),
        "restrictions": one({"geoRestriction": one(_GEO, required=True)}, required=True),
        "viewerCertificate": one(_CERTIFICATE, required=True),
    }

    def _config(self, op: Op, reference: str) -> dict[str, Any]:
        inputs = op.inputs
        behavior = inputs["defaultCacheBehavior"]
        geo = inputs["restrictions"]["geoRestriction"]
        return {
            "CallerReference": reference,
            "Comment": inputs.get("comment") or "",
            "Enabled": inputs["enabled"],
            "DefaultRootObject": inputs.get("defaultRootObject") or "",
            "PriceClass": inputs["priceClass"],
            "Aliases": _list(inputs.get("aliases")),
            "Origins": _list([_origin(one) for one in inputs["origins"]]),
            "DefaultCacheBehavior": {
                "TargetOriginId": behavior["targetOriginId"],
                "ViewerProtocolPolicy": behavior["viewerProtocolPolicy"],
                "AllowedMethods": {
                    **_list(behavior["allowedMethods"]),
                    "CachedMethods": _list(behavior["cachedMethods"]),
                },
                "Compress": behavior["compress"],
                "CachePolicyId": behavior.get("cachePolicyId") or "",
            },
            "Restrictions": {
                "GeoRestriction": {"RestrictionType": geo["restrictionType"], **_list(geo.get("locations"))}
            },
            "ViewerCertificate": _certificate(inputs["viewerCertificate"]),
        }

    def create(self, op: Op) -> str:
        config = {"DistributionConfig": self._config(op, uuid.uuid4().hex), "Tags": {"Items": tag_list(op.tags)}}
        client = op.client("cloudfront")
        made = client.create_distribution_with_tags(DistributionConfigWithTags=config)["Distribution"]
        op.created(made["Id"])
        self._settle(op)
        return op.id

    def _settle(self, op: Op) -> None:
        client = op.client("cloudfront")
        op.wait(
            f"distribution {op.id}",
            lambda: client.get_distribution(Id=op.id)["Distribution"]["Status"] == "Deployed",
            WAIT_SECONDS,
        )

    def read(self, op: Op) -> Object | None:
        client = op.client("cloudfront")
        answer = client.get_distribution(Id=op.id)
        found, config = answer["Distribution"], answer["Distribution"]["DistributionConfig"]
        behavior, geo = config["DefaultCacheBehavior"], config["Restrictions"]["GeoRestriction"]
        values: Object = {
            "enabled": config["Enabled"],
            "comment": config.get("Comment"),
            "defaultRootObject": config.get("DefaultRootObject"),
            "aliases": (config.get("Aliases") or {}).get("Items") or [],
            "priceClass": config.get("PriceClass"),
            "origins": [_origin_values(one) for one in config["Origins"]["Items"]],
            "defaultCacheBehavior": {
                "targetOriginId": behavior["TargetOriginId"],
                "viewerProtocolPolicy": behavior["ViewerProtocolPolicy"],
                "allowedMethods": behavior["AllowedMethods"]["Items"],
                "cachedMethods": behavior["AllowedMethods"]["CachedMethods"]["Items"],
                "cachePolicyId": behavior.get("CachePolicyId") or "",
                "compress": behavior["Compress"],
            },
            "restrictions": {
                "geoRestriction": {
                    "restrictionType": geo["RestrictionType"],
                    **({"locations": geo["Items"]} if geo.get("Items") else {}),
                }
            },
            "viewerCertificate": _certificate_values(config["ViewerCertificate"]),
        }
        return {
            **{key: value for key, value in values.items() if value not in ("", [], None)},
            "arn": found["ARN"],
            "domainName": found["DomainName"],
            "etag": answer["ETag"],
            "status": found["Status"],
            "tagsAll": tag_map(client.list_tags_for_resource(Resource=found["ARN"])["Tags"]["Items"]),
        }

    def _change(self, op: Op, config: dict[str, Any]) -> None:
        client = op.client("cloudfront")
        etag = client.get_distribution_config(Id=op.id)["ETag"]
        client.update_distribution(Id=op.id, IfMatch=etag, DistributionConfig=config)
        self._settle(op)

    def update(self, op: Op) -> None:
        if op.changed:
            known = op.client("cloudfront").get_distribution_config(Id=op.id)["DistributionConfig"]
            self._change(op, self._config(op, known["CallerReference"]))

    def delete(self, op: Op) -> None:
        client = op.client("cloudfront")
        known = client.get_distribution_config(Id=op.id)["DistributionConfig"]
        if known["Enabled"]:
            self._change(op, {**known, "Enabled": False})
        client.delete_distribution(Id=op.id, IfMatch=client.get_distribution_config(Id=op.id)["ETag"])

    def retag(self, op: Op, put: dict[str, str], removed: list[str]) -> None:
        client, arn = op.client("cloudfront"), op.old["arn"]
        if removed:
            client.untag_resource(Resource=arn, TagKeys={"Items": removed})
        if put:
            client.tag_resource(Resource=arn, Tags={"Items": tag_list(put)})


def _list(items: Any) -> dict[str, Any]:
    listed = list(items or [])
    return {"Quantity": len(listed), **({"Items": listed} if listed else {})}


def _origin(origin: Object) -> dict[str, Any]:
    """An origin in S3 that is reached with the distribution's own signature."""
    return {
        "Id": origin["originId"],
        "DomainName": origin["domainName"],
        "OriginPath": origin.get("originPath") or "",
        "OriginAccessControlId": origin.get("originAccessControlId") or "",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }


def _origin_values(origin: dict[str, Any]) -> Object:
    values = {
        "originId": origin["Id"],
        "domainName": origin["DomainName"],
        "originPath": origin.get("OriginPath"),
        "originAccessControlId": origin.get("OriginAccessControlId"),
    }
    return {key: value for key, value in values.items() if value}


_CERTIFICATE_FIELDS = {
    "cloudfrontDefaultCertificate": "CloudFrontDefaultCertificate",
    "acmCertificateArn": "ACMCertificateArn",
    "sslSupportMethod": "SSLSupportMethod",
    "minimumProtocolVersion": "MinimumProtocolVersion",
}


def _certificate(values: Object) -> dict[str, Any]:
    return {field: values[key] for key, field in _CERTIFICATE_FIELDS.items() if values.get(key) is not None}


def _certificate_values(answer: dict[str, Any]) -> Object:
    if answer.get("CloudFrontDefaultCertificate"):
        return {"cloudfrontDefaultCertificate": True}
    return {key: answer[field] for key, field in _CERTIFICATE_FIELDS.items() if answer.get(field)}


@row
class OriginAccessControl(Row):
    token = "aws:cloudfront/originAccessControl:OriginAccessControl"
    import_id = "its id"
    regional = False
    gone = ("NoSuchOriginAccessControl",)
    outputs = ("arn", "etag")
    props = {
        "name": name(64),
        "description": text(default="Managed by Pulumi"),
        "originAccessControlOriginType": text(required=True),
        "signingBehavior": text(required=True),
        "signingProtocol": text(required=True, api="SigningProtocol"),
    }

    def create(self, op: Op) -> str:
        made = op.client("cloudfront").create_origin_access_control(OriginAccessControlConfig=self.send(op))
        return op.created(made["OriginAccessControl"]["Id"])

    def read(self, op: Op) -> Object | None:
        answer = op.client("cloudfront").get_origin_access_control(Id=op.id)
        values = self.receive(answer["OriginAccessControl"]["OriginAccessControlConfig"])
        arn = op.aws.arn("cloudfront", f"origin-access-control/{op.id}", region=False)
        return {**values, "arn": arn, "etag": answer["ETag"]}

    def update(self, op: Op) -> None:
        client = op.client("cloudfront")
        etag = client.get_origin_access_control(Id=op.id)["ETag"]
        client.update_origin_access_control(Id=op.id, IfMatch=etag, OriginAccessControlConfig=self.send(op))

    def delete(self, op: Op) -> None:
        client = op.client("cloudfront")
        etag = client.get_origin_access_control(Id=op.id)["ETag"]
        client.delete_origin_access_control(Id=op.id, IfMatch=etag)
