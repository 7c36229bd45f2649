"""A static site: a private, versioned bucket behind CloudFront. Its files come with a release."""

import json
from dataclasses import dataclass

import pulumi
from pulumi_aws import cloudfront, s3

from components.bucket import PrivateBucket, PrivateBucketArgs
from components.edge import PROTOCOLS, scheme

CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"  # AWS's managed cache policy
KEPT_DAYS = 30  # of a replaced file: how far back a release can be put back by version


@dataclass(frozen=True, kw_only=True)
class SiteArgs:
    package: str
    protocol: str  # one of PROTOCOLS
    domain: str | None
    certificate_arn: str | None  # of us-east-1, as CloudFront wants it
    deletable: bool  # with its files

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            raise ValueError(f"viewerProtocol must be one of {', '.join(PROTOCOLS)}, got {self.protocol!r}")
        if (self.domain is None) != (self.certificate_arn is None):
            raise ValueError("a site has domain and certificateArn, or neither of them")


class Site(pulumi.ComponentResource):
    """Nobody reaches the bucket but this distribution; an address that answers once a release was deployed."""

    url: pulumi.Output[str]
    bucket: pulumi.Output[str]
    bucket_arn: pulumi.Output[str]
    distribution: pulumi.Output[str]  # its id
    distribution_arn: pulumi.Output[str]

    def __init__(self, name: str, args: SiteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:site:Site", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        bucket = PrivateBucket(name, PrivateBucketArgs(deletable=args.deletable, kept_days=KEPT_DAYS), child)
        access = cloudfront.OriginAccessControl(
            f"{name}-access",
            origin_access_control_origin_type="s3",
            signing_behavior="always",
            signing_protocol="sigv4",
            opts=pulumi.ResourceOptions(parent=self),
        )
        distribution = self._distribution(name, args, bucket, access)
        s3.BucketPolicy(
            f"{name}-policy",
            bucket=bucket.name,
            policy=pulumi.Output.all(bucket.arn, distribution.arn).apply(lambda arns: json.dumps(reader(*arns))),
            opts=pulumi.ResourceOptions(parent=self),
        )
        host = args.domain or distribution.domain_name
        self.url = pulumi.Output.concat(f"{scheme(args.protocol)}://", host)
        self.bucket, self.bucket_arn = bucket.name, bucket.arn
        self.distribution, self.distribution_arn = distribution.id, distribution.arn
        self.register_outputs({"url": self.url, "bucket": self.bucket, "distribution": self.distribution})

    def _distribution(
        self, name: str, args: SiteArgs, bucket: PrivateBucket, access: cloudfront.OriginAccessControl
    ) -> cloudfront.Distribution:
        return cloudfront.Distribution(
            f"{name}-distribution",
            enabled=True,
            comment=f"the site of package {args.package}",
            default_root_object="index.html",
            aliases=[args.domain] if args.domain else None,
            price_class="PriceClass_200",
            origins=[
                cloudfront.DistributionOriginArgs(
                    origin_id="files",
                    domain_name=bucket.domain_name,
                    origin_access_control_id=access.id,
                )
            ],
            default_cache_behavior=cloudfront.DistributionDefaultCacheBehaviorArgs(
                target_origin_id="files",
                viewer_protocol_policy=args.protocol,
                allowed_methods=["GET", "HEAD"],
                cached_methods=["GET", "HEAD"],
                cache_policy_id=CACHING_OPTIMIZED,
                compress=True,
            ),
            restrictions=cloudfront.DistributionRestrictionsArgs(
                geo_restriction=cloudfront.DistributionRestrictionsGeoRestrictionArgs(restriction_type="none")
            ),
            viewer_certificate=_certificate(args),
            opts=pulumi.ResourceOptions(parent=self),
        )


def _certificate(args: SiteArgs) -> cloudfront.DistributionViewerCertificateArgs:
    if args.certificate_arn is None:
        return cloudfront.DistributionViewerCertificateArgs(cloudfront_default_certificate=True)
    return cloudfront.DistributionViewerCertificateArgs(
        acm_certificate_arn=args.certificate_arn,
        ssl_support_method="sni-only",
        minimum_protocol_version="TLSv1.2_2021",
    )


def reader(bucket_arn: str, distribution_arn: str) -> dict[str, object]:
    """CloudFront reads on behalf of exactly this distribution."""
    statement = {
        "Sid": "Edge",
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": f"{bucket_arn}/*",
        "Condition": {"StringEquals": {"AWS:SourceArn": distribution_arn}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
