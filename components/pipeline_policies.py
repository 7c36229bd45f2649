"""IAM documents of a monorepo's pipeline: what a build may do, and what carries a release to production. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from components import artifacts
from components.policies import Document, allow, document


@dataclass(frozen=True, kw_only=True)
class SiteArns:
    bucket: str
    distribution: str


def service_trust(service: str, account: str) -> Document:
    """The service takes the role, on behalf of nobody but this account."""
    return document(
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": service},
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        }
    )


@dataclass(frozen=True, kw_only=True)
class BuildRights:
    """Everything a build touches."""

    bucket: str  # ARN of the artifacts bucket
    log_group: str  # ARN
    project: str  # ARN
    role: str  # ARN of its own role
    table: str  # ARN
    namespace: str  # of its metrics
    sites: Sequence[SiteArns]
    releases: Sequence[Document]  # statements of the ECS release, where a package is a container
    connection: str | None = None  # ARN of the connection to the repository's host


def build_policy(rights: BuildRights) -> Document:
    """Write its log, keep its cache and artifacts, deploy to these targets, record it; nothing else."""
    of_bucket = [
        f"{rights.bucket}/{prefix}*"
        for prefix in (artifacts.BUILDS, artifacts.CACHE, artifacts.NOTES, artifacts.RELEASED)
    ]
    reads = [f"{rights.bucket}/{prefix}*" for prefix in (artifacts.CACHE, artifacts.NOTES, artifacts.TOOLS)]
    metrics = {"StringEquals": {"cloudwatch:namespace": rights.namespace}}
    statements = [
        allow("WriteLog", ["logs:CreateLogStream", "logs:PutLogEvents"], f"{rights.log_group}:log-stream:*"),
        allow("KeepArtifacts", ["s3:PutObject"], of_bucket),
        allow("ReadArtifacts", ["s3:GetObject"], reads),
        allow("ForgetNotes", ["s3:DeleteObject"], f"{rights.bucket}/{artifacts.NOTES}*"),
        allow("LookIntoArtifacts", ["s3:ListBucket"], rights.bucket),
        allow("RecordDeploy", ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], rights.table),
        allow("ReadHistory", ["codebuild:ListBuildsForProject", "codebuild:BatchGetBuilds"], rights.project),
        allow("Measure", ["cloudwatch:PutMetricData"], "*", metrics),
        *(_site(number, site) for number, site in enumerate(rights.sites)),
        *(_edge(number, site) for number, site in enumerate(rights.sites)),
        *rights.releases,
    ]
    if rights.releases:
        statements.append(allow("CheckOwnPermissions", ["iam:SimulatePrincipalPolicy"], rights.role))
    if rights.connection:
        reach = ["codeconnections:GetConnectionToken", "codeconnections:GetConnection"]
        statements.append(allow("ReachRepository", reach, rights.connection))
    return document(*statements)


def deploy_policy(rights: BuildRights, pipeline_artifacts: str) -> Document:
    """A build's rights and the artifact that a pipeline hands over."""
    given = allow("ReadGiven", ["s3:GetObject", "s3:GetObjectVersion"], f"{pipeline_artifacts}/*")
    return document(*build_policy(rights)["Statement"], given)


def _site(number: int, site: SiteArns) -> Document:
    objects = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject"]
    look = ["s3:ListBucket", "s3:ListBucketVersions"]
    return allow(f"DeploySite{number}", [*objects, *look], [site.bucket, f"{site.bucket}/*"])


def _edge(number: int, site: SiteArns) -> Document:
    return allow(
        f"Invalidate{number}", ["cloudfront:CreateInvalidation", "cloudfront:GetInvalidation"], site.distribution
    )


def promotion_policy(source_bucket: str, source_key: str, store: str, project: str, topic: str) -> Document:
    """The pipeline takes one object from staging, hands it to one project, and asks people through one topic."""
    source = f"arn:aws:s3:::{source_bucket}"
    seen = ["s3:GetBucketVersioning", "s3:GetBucketAcl", "s3:GetBucketLocation", "s3:ListBucket"]
    return document(
        allow("TakeRelease", ["s3:GetObject", "s3:GetObjectVersion"], f"{source}/{source_key}"),
        allow("SeeSource", seen, source),
        allow("HandOver", ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"], f"{store}/*"),
        allow("SeeStore", ["s3:GetBucketVersioning"], store),
        allow("Deploy", ["codebuild:StartBuild", "codebuild:BatchGetBuilds"], project),
        allow("AskPeople", ["sns:Publish"], topic),
    )


def publisher(topic: str, account: str) -> Document:
    """EventBridge may publish to the topic, and CloudWatch for alarms of this account."""
    return document(
        {
            # EventBridge tells a topic no condition key: with a condition nothing would ever be delivered.
            "Sid": "Events",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": topic,
        },
        {
            "Sid": "Alarms",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": topic,
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        },
    )
