"""Where backups lie: encrypted, every version kept for a while, public to nobody, there after the stack is gone."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import s3

UNFINISHED_DAYS = 7  # parts of an upload that never ended


@dataclass(frozen=True, kw_only=True)
class BackupsArgs:
    bucket: str
    retention_days: int  # a backup's age; what was overwritten or deleted stays as long again


class Backups(pulumi.ComponentResource):
    """A bucket that `pulumi destroy` leaves: to be removed by hand, when nobody wants what is in it."""

    bucket: pulumi.Output[str]

    def __init__(self, name: str, args: BackupsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:data:Backups", name, None, opts)
        child = pulumi.ResourceOptions(parent=self, retain_on_delete=True)
        bucket = s3.Bucket(f"{name}-backups", bucket=args.bucket, opts=child)
        encrypted = s3.BucketServerSideEncryptionConfiguration(
            f"{name}-backups",
            bucket=bucket.id,
            rules=[
                s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                        sse_algorithm="AES256"
                    )
                )
            ],
            opts=child,
        )
        versioned = s3.BucketVersioning(
            f"{name}-backups",
            bucket=bucket.id,
            versioning_configuration=s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=child,
        )
        private = s3.BucketPublicAccessBlock(
            f"{name}-backups",
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        self._expire(name, bucket, args.retention_days, versioned)
        # Passed on when it is what it promises: no backup goes into an open or unencrypted bucket.
        self.bucket = pulumi.Output.all(bucket.id, encrypted.id, versioned.id, private.id).apply(
            lambda ids: str(ids[0])
        )
        self.register_outputs({"bucket": self.bucket})

    def _expire(self, name: str, bucket: s3.Bucket, days: int, versioned: pulumi.Resource) -> None:
        s3.BucketLifecycleConfiguration(
            f"{name}-backups",
            bucket=bucket.id,
            rules=[
                s3.BucketLifecycleConfigurationRuleArgs(
                    id="retention",
                    status="Enabled",
                    filter=s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
                    expiration=s3.BucketLifecycleConfigurationRuleExpirationArgs(days=days),
                    noncurrent_version_expiration=s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                        noncurrent_days=days
                    ),
                    abort_incomplete_multipart_upload=s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                        days_after_initiation=UNFINISHED_DAYS
                    ),
                )
            ],
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True, depends_on=[versioned]),
        )
