"""S3: buckets and what is set on them, each with a resource of its own."""

from typing import Any, ClassVar

from ...values import Object
from ..properties import flag, many, name, one, policy, text, whole
from ..row import Op, Row, row, tag_list, tag_map
from ..session import ApiError

_AGE = {"days": whole(), "date": text(), "storageClass": text(required=True)}
_OLD_AGE = {"noncurrentDays": whole(required=True), "newerNoncurrentVersions": whole()}
_RULE = {
    "id": text(required=True, api="ID"),
    "status": text(required=True),
    "filter": one(
        {
            "prefix": text(),
            "objectSizeGreaterThan": whole(),
            "objectSizeLessThan": whole(),
            "tag": one({"key": text(required=True), "value": text(required=True)}),
        },
        computed=True,
    ),
    "expiration": one({"days": whole(), "date": text(), "expiredObjectDeleteMarker": flag()}),
    "transitions": many(_AGE, unordered=True),
    "noncurrentVersionExpiration": one(_OLD_AGE),
    "noncurrentVersionTransitions": many({**_OLD_AGE, "storageClass": text(required=True)}, unordered=True),
    "abortIncompleteMultipartUpload": one({"daysAfterInitiation": whole()}),
}


@row
class Bucket(Row):
    """With `forceDestroy` it is emptied, every version of every object, before it goes."""

    token = "aws:s3/bucket:Bucket"
    import_id = "the bucket's name"
    tagged = True
    gone = ("NoSuchBucket", "404")
    outputs = ("arn", "bucketDomainName", "bucketRegion", "bucketRegionalDomainName")
    props = {
        "bucket": name(63),
        "forceDestroy": flag(default=False, kept=True),
        "objectLockEnabled": flag(computed=True, replace=True, api="ObjectLockEnabledForBucket"),
    }

    def create(self, op: Op) -> str:
        place = {} if op.aws.region == "us-east-1" else {"LocationConstraint": op.aws.region}
        where = {"CreateBucketConfiguration": place} if place else {}
        op.client("s3").create_bucket(**self.send(op), **where)
        op.created(op.inputs["bucket"])
        if op.tags:
            self.retag(op, op.tags, [])
        return op.id

    def read(self, op: Op) -> Object | None:
        s3 = op.client("s3")
        s3.head_bucket(Bucket=op.id)
        return {
            "bucket": op.id,
            "objectLockEnabled": _has(s3.get_object_lock_configuration, op.id),
            "arn": f"arn:{op.aws.partition}:s3:::{op.id}",
            "bucketDomainName": f"{op.id}.s3.amazonaws.com",
            "bucketRegion": op.aws.region,
            "bucketRegionalDomainName": f"{op.id}.s3.{op.aws.region}.amazonaws.com",
            "tagsAll": self._tags(op),
        }

    def _tags(self, op: Op) -> dict[str, str]:
        try:
            return tag_map(op.client("s3").get_bucket_tagging(Bucket=op.id)["TagSet"])
        except ApiError as error:
            if error.code != "NoSuchTagSet":
                raise
            return {}

    def delete(self, op: Op) -> None:
        s3 = op.client("s3")
        if op.old.get("forceDestroy"):
            for kind in ("Versions", "DeleteMarkers"):
                for item in s3.pages("list_object_versions", kind, Bucket=op.id):
                    s3.delete_object(Bucket=op.id, Key=item["Key"], VersionId=item["VersionId"])
        s3.delete_bucket(Bucket=op.id)

    def retag(self, op: Op, put: dict[str, str], removed: list[str]) -> None:
        s3 = op.client("s3")
        if put:
            s3.put_bucket_tagging(Bucket=op.id, Tagging={"TagSet": tag_list(put)})
        else:
            s3.delete_bucket_tagging(Bucket=op.id)


def _has(call: Any, bucket: str) -> bool:
    try:
        return bool(call(Bucket=bucket))
    except ApiError as error:
        if error.code != "ObjectLockConfigurationNotFoundError":
            raise
        return False


class OfBucket(Row):
    """One setting of a bucket: its id is the bucket's name, and putting it is all there is to create and update."""

    import_id = "the bucket's name"
    setting: ClassVar[str]  # the calls are put_<setting>, get_<setting>, delete_<setting>

    def create(self, op: Op) -> str:
        self.update(op)
        return op.created(op.inputs["bucket"])

    def update(self, op: Op) -> None:
        getattr(op.client("s3"), f"put_{self.setting}")(Bucket=op.inputs["bucket"], **self.content(op))

    def content(self, op: Op) -> dict[str, Any]:
        raise NotImplementedError

    def ask(self, op: Op) -> dict[str, Any]:
        return dict(getattr(op.client("s3"), f"get_{self.setting}")(Bucket=op.id))

    def delete(self, op: Op) -> None:
        getattr(op.client("s3"), f"delete_{self.setting}")(Bucket=op.id)


@row
class BucketVersioning(OfBucket):
    """Deleted it is suspended, since S3 cannot forget it: found suspended where it was enabled, it counts as gone."""

    token = "aws:s3/bucketVersioning:BucketVersioning"
    setting = "bucket_versioning"
    gone = Bucket.gone
    props = {
        "bucket": text(required=True, replace=True),
        "versioningConfiguration": one({"status": text(required=True)}, required=True),
    }

    def content(self, op: Op) -> dict[str, Any]:
        return {"VersioningConfiguration": {"Status": op.inputs["versioningConfiguration"]["status"]}}

    def read(self, op: Op) -> Object | None:
        status = self.ask(op).get("Status")
        wanted = ({**op.inputs, **op.old}.get("versioningConfiguration") or {}).get("status")
        if not status or (status == "Suspended" and wanted == "Enabled"):
            return None
        return {"bucket": op.id, "versioningConfiguration": {"status": status}}

    def delete(self, op: Op) -> None:
        op.client("s3").put_bucket_versioning(Bucket=op.id, VersioningConfiguration={"Status": "Suspended"})


@row
class BucketServerSideEncryptionConfiguration(OfBucket):
    token = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    setting = "bucket_encryption"
    gone = (*Bucket.gone, "ServerSideEncryptionConfigurationNotFoundError")
    props = {
        "bucket": text(required=True, replace=True),
        "rules": many(
            {
                "applyServerSideEncryptionByDefault": one(
                    {
                        "sseAlgorithm": text(required=True, api="SSEAlgorithm"),
                        "kmsMasterKeyId": text(api="KMSMasterKeyID"),
                    }
                ),
                "bucketKeyEnabled": flag(computed=True),
            },
            required=True,
        ),
    }

    def content(self, op: Op) -> dict[str, Any]:
        return {"ServerSideEncryptionConfiguration": self.send(op, "rules")}

    def read(self, op: Op) -> Object | None:
        found = self.receive(self.ask(op)["ServerSideEncryptionConfiguration"])
        # S3 encrypts by its own key whatever is set: where the program chose another, its setting is gone.
        if _algorithms(found) == [_OWN] and _algorithms({**op.inputs, **op.old}) not in ([], [_OWN]):
            return None
        return {"bucket": op.id, **found}


_OWN = "AES256"


def _algorithms(values: Object) -> list[str]:
    rules = values.get("rules") or []
    return [(rule.get("applyServerSideEncryptionByDefault") or {}).get("sseAlgorithm", "") for rule in rules]


@row
class BucketLifecycleConfiguration(OfBucket):
    token = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
    setting = "bucket_lifecycle_configuration"
    gone = (*Bucket.gone, "NoSuchLifecycleConfiguration")
    props = {"bucket": text(required=True, replace=True), "rules": many(_RULE, unordered=True)}

    def content(self, op: Op) -> dict[str, Any]:
        rules = [{"Filter": {"Prefix": ""}, **rule} for rule in self.send(op, "rules")["Rules"]]
        return {"LifecycleConfiguration": {"Rules": rules}}

    def read(self, op: Op) -> Object | None:
        return {"bucket": op.id, **self.receive(self.ask(op))}

    def delete(self, op: Op) -> None:
        op.client("s3").delete_bucket_lifecycle(Bucket=op.id)


@row
class BucketPublicAccessBlock(OfBucket):
    token = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
    setting = "public_access_block"
    gone = (*Bucket.gone, "NoSuchPublicAccessBlockConfiguration")
    props = {
        "bucket": text(required=True, replace=True, api=""),
        "blockPublicAcls": flag(default=False),
        "blockPublicPolicy": flag(default=False),
        "ignorePublicAcls": flag(default=False),
        "restrictPublicBuckets": flag(default=False),
    }

    def content(self, op: Op) -> dict[str, Any]:
        return {"PublicAccessBlockConfiguration": self.send(op)}

    def read(self, op: Op) -> Object | None:
        return {"bucket": op.id, **self.receive(self.ask(op)["PublicAccessBlockConfiguration"])}


@row
class BucketPolicy(OfBucket):
    token = "aws:s3/bucketPolicy:BucketPolicy"
    setting = "bucket_policy"
    gone = (*Bucket.gone, "NoSuchBucketPolicy")
    props = {"bucket": text(required=True, replace=True), "policy": policy(required=True)}

    def content(self, op: Op) -> dict[str, Any]:
        return {"Policy": op.inputs["policy"]}

    def read(self, op: Op) -> Object | None:
        return {"bucket": op.id, "policy": self.ask(op)["Policy"]}
