"""S3: objects whose content the program gives."""

import base64

from ...values import Object
from ..properties import flag, text
from ..row import Op, Row, row, tag_map


@row
class BucketObjectv2(Row):
    """An object is its content: what the cloud has is compared by the ETag, never fetched."""

    token = "aws:s3/bucketObjectv2:BucketObjectv2"
    import_id = "<bucket>/<key>"
    tagged = True
    gone = ("NoSuchBucket", "NoSuchKey", "404")
    outputs = ("arn", "versionId")
    unstable = {"versionId": ("content", "contentBase64", "contentType")}
    props = {
        "bucket": text(required=True, replace=True),
        "key": text(computed=True, imported=True, replace=True),
        "content": text(kept=True),
        "contentBase64": text(kept=True),
        "contentType": text(computed=True),
        "forceDestroy": flag(default=False, kept=True),
    }

    def create(self, op: Op) -> str:
        self.update(op)
        return op.created(f"{op.inputs['bucket']}/{op.inputs['key']}")

    def update(self, op: Op) -> None:
        given = op.inputs.get("contentBase64")
        body = base64.b64decode(given) if given else str(op.inputs.get("content") or "").encode()
        sent = self.send(op)
        pairs = "&".join(f"{key}={value}" for key, value in op.tags.items())
        op.client("s3").put_object(**sent, Body=body, **({"Tagging": pairs} if pairs else {}))

    def read(self, op: Op) -> Object | None:
        bucket, _, key = op.id.partition("/")
        s3 = op.client("s3")
        found = s3.head_object(Bucket=bucket, Key=key)
        tags = tag_map(s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"])
        return {
            "bucket": bucket,
            "key": key,
            "contentType": found.get("ContentType"),
            "arn": f"arn:{op.aws.partition}:s3:::{op.id}",
            "versionId": found.get("VersionId", ""),
            "tagsAll": tags,
        }

    def delete(self, op: Op) -> None:
        """Every version of it, as the real provider does."""
        bucket, _, key = op.id.partition("/")
        s3 = op.client("s3")
        for kind in ("Versions", "DeleteMarkers"):
            for item in s3.pages("list_object_versions", kind, Bucket=bucket, Prefix=key):
                if item["Key"] == key:
                    s3.delete_object(Bucket=bucket, Key=key, VersionId=item["VersionId"])

    def retag(self, op: Op, put: dict[str, str], removed: list[str]) -> None:
        bucket, _, key = op.id.partition("/")
        wanted = [{"Key": name, "Value": value} for name, value in op.tags.items()]
        op.client("s3").put_object_tagging(Bucket=bucket, Key=key, Tagging={"TagSet": wanted})
