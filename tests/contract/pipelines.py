"""Cases of builds, pipelines, their events, and the site they deploy."""

import base64
import json
from typing import Any

from localcloud.plugins.values import Object
from tests.contract.case import Case, States


def _project(states: States, image: str = "aws/codebuild/standard:7.0") -> Object:
    return {
        "name": "contract-builds",
        "serviceRole": states["role"]["arn"],
        "source": {"type": "GITHUB", "location": "https://github.com/contract/monorepo", "gitCloneDepth": 1},
        "sourceVersion": "main",
        "artifacts": {"type": "S3", "location": states["bucket"]["bucket"], "packaging": "ZIP"},
        "cache": {"type": "S3", "location": f"{states['bucket']['bucket']}/cache"},
        "environment": {
            "type": "LINUX_CONTAINER",
            "image": image,
            "computeType": "BUILD_GENERAL1_SMALL",
            "privilegedMode": False,
            "environmentVariables": [{"name": "A", "value": "1"}],
        },
        "logsConfig": {"cloudwatchLogs": {"status": "ENABLED", "groupName": "/contract/builds"}},
        "buildTimeout": 30,
    }


def _pushes(branch: str) -> list[Object]:
    filters = [{"type": "EVENT", "pattern": "PUSH"}, {"type": "HEAD_REF", "pattern": f"^refs/heads/{branch}$"}]
    return [{"filters": filters}]


def _stage(name: str, category: str, provider: str, configuration: Object, **more: Any) -> Object:
    action = {"name": name, "category": category, "owner": "AWS", "provider": provider, "version": "1", **more}
    return {"name": name, "actions": [{**action, "configuration": configuration}]}


def _pipeline(states: States, text: str = "look") -> Object:
    source = {"S3Bucket": states["bucket"]["bucket"], "S3ObjectKey": "nothing.zip", "PollForSourceChanges": "false"}
    return {
        "name": "contract-promotion",
        "roleArn": states["role"]["arn"],
        "pipelineType": "V2",
        "artifactStores": [{"type": "S3", "location": states["bucket"]["bucket"]}],
        "stages": [
            _stage("Source", "Source", "S3", source, outputArtifacts=["release"]),
            _stage("Approval", "Approval", "Manual", {"CustomData": text}),
        ],
    }


def _distribution(states: States, comment: str) -> Object:
    return {
        "enabled": True,
        "comment": comment,
        "defaultRootObject": "index.html",
        "origins": [
            {
                "originId": "files",
                "domainName": states["bucket"]["bucketRegionalDomainName"],
                "originAccessControlId": states["access"]["id"],
            }
        ],
        "defaultCacheBehavior": {
            "targetOriginId": "files",
            "viewerProtocolPolicy": "allow-all",
            "allowedMethods": ["GET", "HEAD"],
            "cachedMethods": ["GET", "HEAD"],
            "cachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
        },
        "restrictions": {"geoRestriction": {"restrictionType": "none"}},
        "viewerCertificate": {"cloudfrontDefaultCertificate": True},
    }


def _publishing(states: States, sid: str) -> str:
    statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": states["topic"]["arn"],
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _sentence(text: str) -> Object:
    return {"inputTransformer": {"inputPaths": {"status": "$.detail.build-status"}, "inputTemplate": f'"{text}"'}}


PIPELINES: list[Case] = [
    Case(
        token="aws:codebuild/project:Project",
        name="builds",
        inputs=_project,
        change=lambda s: {**_project(s, "aws/codebuild/standard:6.0"), "description": "more"},
        replace={"name": "another"},
    ),
    Case(
        token="aws:codebuild/webhook:Webhook",
        name="pushes",
        tagged=False,
        inputs=lambda s: {"projectName": s["builds"]["name"], "buildType": "BUILD", "filterGroups": _pushes("main")},
        change=lambda s: {"filterGroups": _pushes("develop")},
        replace={"projectName": "another"},
    ),
    Case(
        token="aws:codepipeline/pipeline:Pipeline",
        name="promotion",
        inputs=_pipeline,
        change=lambda s: {"stages": _pipeline(s, "again")["stages"]},
        replace={"name": "another"},
    ),
    Case(
        token="aws:cloudwatch/eventRule:EventRule",
        name="events",
        inputs=lambda s: {"name": "contract", "eventPattern": json.dumps({"source": ["aws.codebuild"]})},
        change=lambda s: {"eventPattern": json.dumps({"source": ["aws.codepipeline"]}), "description": "more"},
        replace={"name": "another"},
    ),
    Case(
        token="aws:cloudwatch/eventTarget:EventTarget",
        name="listener-of-rule",
        tagged=False,
        inputs=lambda s: {
            "rule": s["events"]["name"],
            "targetId": "topic",
            "arn": s["topic"]["arn"],
            **_sentence("<status>"),
        },
        change=lambda s: _sentence("it is <status>"),
        replace={"rule": "another"},
        import_id=lambda state: f"{state['rule']}/{state['targetId']}",
    ),
    Case(
        token="aws:sns/topicPolicy:TopicPolicy",
        name="publishers",
        tagged=False,
        inputs=lambda s: {"arn": s["topic"]["arn"], "policy": _publishing(s, "Events")},
        change=lambda s: {"policy": _publishing(s, "Others")},
        replace={"arn": "arn:aws:sns:us-east-1:000000000000:another"},
    ),
    Case(
        token="aws:s3/bucketObjectv2:BucketObjectv2",
        name="object",
        inputs=lambda s: {
            "bucket": s["bucket"]["bucket"],
            "key": "tools/contract.zip",
            "contentBase64": base64.b64encode(b"one").decode(),
        },
        change=lambda s: {"contentBase64": base64.b64encode(b"two").decode()},
        replace={"key": "another"},
    ),
    Case(
        token="aws:cloudfront/originAccessControl:OriginAccessControl",
        name="access",
        tagged=False,
        inputs=lambda s: {
            "name": "contract",
            "originAccessControlOriginType": "s3",
            "signingBehavior": "always",
            "signingProtocol": "sigv4",
        },
        change=lambda s: {"signingBehavior": "never"},
        replace={"name": "another"},
    ),
    Case(
        token="aws:cloudfront/distribution:Distribution",
        name="distribution",
        inputs=lambda s: _distribution(s, "one"),
        change=lambda s: _distribution(s, "two"),
    ),
]
