"""A bucket that nobody outside the account reads, whose replaced objects stay for a while."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import s3


@dataclass(frozen=True, kw_only=True)
class PrivateBucketArgs:
    deletable: bool  # with everything in it
    kept_days: int  # of replaced and deleted objects
    expiring: tuple[tuple[str, int], ...] = ()  # prefix, days after which its objects go

    def __post_init__(self) -> None:
        if self.kept_days < 1:
            raise ValueError(f"kept_days must be at least 1, got {self.kept_days}")


class PrivateBucket(pulumi.ComponentResource):
    """Versioned, encrypted, without public access; old versions expire."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    domain_name: pulumi.Output[str]

    def __init__(self, name: str, args: PrivateBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:bucket:PrivateBucket", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        bucket = s3.Bucket(f"{name}-files", force_destroy=args.deletable, opts=child)
        versioning = s3.BucketVersioning(
            f"{name}-versions",
            bucket=bucket.id,
            versioning_configuration=s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        s3.BucketPublicAccessBlock(
            f"{name}-private",
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=bucket.id,
            rules=[
                s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=(
                        s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                            sse_algorithm="AES256"
                        )
                    )
                )
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
        s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=bucket.id,
            rules=_rules(args),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
        )
        # Whoever writes into it finds it versioned.
        self.name = pulumi.Output.all(bucket.bucket, versioning.id).apply(lambda values: str(values[0]))
        self.arn, self.domain_name = bucket.arn, bucket.bucket_regional_domain_name
        self.register_outputs({"name": self.name, "arn": self.arn})


def _rules(args: PrivateBucketArgs) -> list[s3.BucketLifecycleConfigurationRuleArgs]:
    kept = s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(noncurrent_days=args.kept_days)
    rules = [
        s3.BucketLifecycleConfigurationRuleArgs(
            id="replaced",
            status="Enabled",
            filter=s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
            noncurrent_version_expiration=kept,
        )
    ]
    rules += [
        s3.BucketLifecycleConfigurationRuleArgs(
            id=prefix.rstrip("/"),
            status="Enabled",
            filter=s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=prefix),
            expiration=s3.BucketLifecycleConfigurationRuleExpirationArgs(days=days),
        )
        for prefix, days in args.expiring
    ]
    return rules
