"""Cases of buckets, topics and budgets."""

import json

from localcloud.plugins.values import Object
from tests.contract.case import Case, States


def _encrypted(algorithm: str) -> Object:
    return {
        "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": algorithm}, "bucketKeyEnabled": True}],
    }


def _expiring(days: int) -> Object:
    return {
        "rules": [
            {
                "id": "old",
                "status": "Enabled",
                "filter": {"prefix": "backup/"},
                "expiration": {"days": days},
                "noncurrentVersionExpiration": {"noncurrentDays": 7},
                "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1},
            }
        ]
    }


def _policy(states: States, sid: str) -> Object:
    statement = {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [states["bucket"]["arn"], f"{states['bucket']['arn']}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "maybe"}},
    }
    return {"policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}


def _notified(threshold: float) -> Object:
    return {
        "comparisonOperator": "GREATER_THAN",
        "notificationType": "ACTUAL",
        "threshold": threshold,
        "thresholdType": "PERCENTAGE",
        "subscriberEmailAddresses": ["who@contract.test"],
    }


def _setting(name: str, kind: str, content: Object, change: Object) -> Case:
    return Case(
        token=f"aws:s3/{kind[0].lower()}{kind[1:]}:{kind}",
        name=name,
        tagged=False,
        inputs=lambda s: {"bucket": s["bucket"]["bucket"], **content},
        change=lambda s: change,
        replace={"bucket": "another"},
    )


STORAGE = [
    Case(
        token="aws:s3/bucket:Bucket",
        name="bucket",
        inputs=lambda s: {"forceDestroy": True},
        replace={"bucket": "another"},
    ),
    _setting("versions", "BucketVersioning", {"versioningConfiguration": {"status": "Enabled"}}, {}),
    _setting(
        "encryption", "BucketServerSideEncryptionConfiguration", _encrypted("aws:kms"), _encrypted("aws:kms:dsse")
    ),
    _setting("expiry", "BucketLifecycleConfiguration", _expiring(30), _expiring(31)),
    _setting(
        "private",
        "BucketPublicAccessBlock",
        {"blockPublicAcls": True, "blockPublicPolicy": True, "ignorePublicAcls": True, "restrictPublicBuckets": True},
        {"ignorePublicAcls": False},
    ),
    Case(
        token="aws:s3/bucketPolicy:BucketPolicy",
        name="policy",
        tagged=False,
        inputs=lambda s: {"bucket": s["bucket"]["bucket"], **_policy(s, "first")},
        change=lambda s: _policy(s, "second"),
        replace={"bucket": "another"},
    ),
    Case(
        token="aws:sns/topic:Topic",
        name="topic",
        inputs=lambda s: {"displayName": "contract"},
        change=lambda s: {"displayName": "the contract"},
        replace={"name": "another"},
    ),
    Case(
        token="aws:sns/topicSubscription:TopicSubscription",
        name="told",
        tagged=False,
        inputs=lambda s: {"topic": s["topic"]["arn"], "protocol": "email", "endpoint": "who@contract.test"},
        change=lambda s: {"filterPolicy": json.dumps({"kind": ["bad"]})},
        replace={"endpoint": "whom@contract.test"},
    ),
    Case(
        token="aws:budgets/budget:Budget",
        name="budget",
        inputs=lambda s: {
            "budgetType": "COST",
            "timeUnit": "MONTHLY",
            "limitAmount": "50",
            "limitUnit": "USD",
            "notifications": [_notified(80)],
        },
        change=lambda s: {"limitAmount": "60", "notifications": [_notified(80), _notified(100)]},
        replace={"name": "another"},
    ),
]
