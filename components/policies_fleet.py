"""IAM documents of a system on hosts: what a host may do, and what a release of a fleet may. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from components.alarms import HOST_METRICS
from components.arns import Arns
from components.policies import (
    PULL_IMAGE,
    ROLE_READS,
    SETTING_READS,
    UNSCOPED_READS,
    Backend,
    Document,
    allow,
    backend_statements,
    document,
)

PUSH_IMAGE = ("ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage")
# What the SSM agent does so that Run Command reaches it; IAM knows no resource for these.
AGENT = (
    *("ssm:UpdateInstanceInformation", "ssm:ListInstanceAssociations", "ssm:ListAssociations"),
    *("ssmmessages:CreateControlChannel", "ssmmessages:OpenControlChannel"),
    *("ssmmessages:CreateDataChannel", "ssmmessages:OpenDataChannel"),
    *("ec2messages:AcknowledgeMessage", "ec2messages:DeleteMessage", "ec2messages:FailMessage"),
    *("ec2messages:GetEndpoint", "ec2messages:GetMessages", "ec2messages:SendReply"),
)
FLEET_READS = {
    "ec2": (
        *("DescribeInstances", "DescribeInstanceAttribute", "DescribeInstanceTypes", "DescribeVolumes", "DescribeTags"),
        *("DescribeInstanceCreditSpecifications", "DescribeAddresses", "DescribeAddressesAttribute"),
    ),
}
BUCKET_READS = (
    *("GetBucketVersioning", "GetBucketPublicAccessBlock", "GetEncryptionConfiguration", "GetLifecycleConfiguration"),
    *("GetBucketTagging", "GetBucketPolicy", "GetBucketAcl", "GetBucketCORS", "GetBucketWebsite", "GetBucketLogging"),
    *("GetBucketRequestPayment", "GetAccelerateConfiguration", "GetReplicationConfiguration", "GetBucketLocation"),
    *("GetBucketObjectLockConfiguration", "ListBucket"),
)


@dataclass(frozen=True, kw_only=True)
class HostRights:
    """What one kind of host reaches."""

    parameters: Sequence[str]  # names of the SSM parameters its `.env` is made of
    repositories: Sequence[str]  # names, of the account's own registry
    agent: bool  # SSM Run Command reaches it
    backup_bucket: str | None = None
    backup_prefix: str = ""


def instance_trust() -> Document:
    """EC2 takes the role for its instances."""
    principal = {"Service": "ec2.amazonaws.com"}
    return document({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal})


def host_policy(arns: Arns, rights: HostRights) -> Document:
    """Pull its images, read its own parameters, say how it is known and how it is; the data host also keeps backups."""
    names = arns.names
    own = sorted(arns.parameter(name) for name in {*rights.parameters, f"{names.ssh_key}.pub"})
    host_keys = arns.parameter(f"{names.host_keys}*")
    namespace = {"StringEqualsIfExists": {"cloudwatch:namespace": HOST_METRICS}}  # each request carries it
    statements = [
        allow("RegistryLogin", ["ecr:GetAuthorizationToken"], "*"),
        allow("ReadParameters", ["ssm:GetParameter", "ssm:GetParameters"], own),
        allow("DecryptParameters", ["kms:Decrypt"], arns.keys, _through_ssm(arns, own)),
        # A host that was taken over must not be able to become another one: what is said once stays.
        allow("SayHostKey", ["ssm:PutParameter"], host_keys, {"StringEqualsIfExists": {"ssm:Overwrite": "false"}}),
        allow("ReadHostKey", ["ssm:GetParameter"], host_keys),
        allow("ReportDisk", ["cloudwatch:PutMetricData"], "*", namespace),
    ]
    if rights.repositories:
        images = [arns.repository_named(name) for name in rights.repositories]
        statements.append(allow("PullImages", PULL_IMAGE, images))
    if rights.agent:
        statements.append(allow("RunCommands", AGENT, "*"))
    if rights.backup_bucket:
        statements += _backup_statements(rights.backup_bucket, rights.backup_prefix)
    return document(*statements)


def release_policy(
    arns: Arns,
    *,
    instances: Sequence[str],
    security_group: str,
    method: str,
    backend: Backend | None,
    balancer: bool = True,
) -> Document:
    """What a rolling release does, and nothing else: push an image, move hosts in and out, reach them, record it."""
    names = arns.names
    targets = ("elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets")
    moves = [
        allow("MoveHosts", targets, arns.target_group),
        allow("WatchHosts", ["elasticloadbalancing:DescribeTargetHealth"], "*"),
    ]
    record = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
    return document(
        allow("RegistryLogin", ["ecr:GetAuthorizationToken"], "*"),
        allow("PushImage", [*PULL_IMAGE, *PUSH_IMAGE, "ecr:DescribeImages"], arns.repository),
        *(moves if balancer else []),
        allow("WatchAlarms", ["cloudwatch:DescribeAlarms"], arns.alarms),
        allow("CheckPermissions", ["iam:SimulatePrincipalPolicy"], arns.role(names.release_role)),
        allow("RecordRelease", record, arns.table),
        *_lookups(arns),
        *(_ssh_statements(arns, security_group) if method == "ssh" else _ssm_statements(arns, instances)),
        *backend_statements(backend, writes=True),
    )


def _ssh_statements(arns: Arns, security_group: str) -> list[Document]:
    """The port opened for the runner and closed again, the key, and the keys by which hosts are known."""
    names = arns.names
    doors = ("ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress")
    key = arns.parameter(names.ssh_key)
    return [
        allow("OpenAndClose", doors, arns.security_group(security_group)),
        allow("LookAtDoors", ["ec2:DescribeSecurityGroupRules"], "*"),
        allow("ReadKeys", ["ssm:GetParameter"], [key, arns.parameter(f"{names.host_keys}*")]),
        allow("DecryptKey", ["kms:Decrypt"], arns.keys, _through_ssm(arns, [key])),
    ]


def _ssm_statements(arns: Arns, instances: Sequence[str]) -> list[Document]:
    """Run Command on these hosts, with AWS's own document for shell scripts."""
    where = [arns.shell_command, *(arns.instance(identity) for identity in instances)]
    return [
        allow("RunOnHosts", ["ssm:SendCommand"], where),
        allow("LookAtCommands", ["ssm:GetCommandInvocation"], "*"),
    ]


def preview_policy(
    arns: Arns, *, parameters: Sequence[str], backup_bucket: str | None, backend: Backend | None
) -> Document:
    """What `pulumi preview --refresh` reads; `parameters` are those of the settings, never those of secrets."""
    names = arns.names
    host_roles = [arns.role(name) for name in (names.hosts, names.data_host)]
    roles = [*host_roles, *(arns.role(name) for name in (names.release_role, names.preview_role))]
    unscoped = {**UNSCOPED_READS, **FLEET_READS, "ec2": (*UNSCOPED_READS["ec2"], *FLEET_READS["ec2"])}
    left_out = ("ecs", "logs", "application-autoscaling")  # a fleet has none
    everywhere = [f"{kind}:{read}" for kind, reads in unscoped.items() if kind not in left_out for read in reads]
    repository = ("DescribeRepositories", "GetLifecyclePolicy", "ListTagsForResource", "DescribeImages")
    table = ("DescribeTable", "DescribeContinuousBackups", "DescribeTimeToLive", "ListTagsOfResource", "GetItem")
    profiles = [arns.profile(name) for name in (names.hosts, names.data_host)]
    statements = [
        allow("ReadUnscoped", everywhere, "*"),
        allow("ReadRepository", [f"ecr:{action}" for action in repository], arns.repository),
        allow("ReadTable", [f"dynamodb:{action}" for action in table], arns.table),
        allow("ReadRoles", ROLE_READS, roles),
        allow("ReadProfiles", ["iam:GetInstanceProfile"], profiles),
        allow("ReadIssuer", ["iam:GetOpenIDConnectProvider"], arns.github),
        *_lookups(arns),
        allow("ReadBudget", ["budgets:ViewBudget", "budgets:ListTagsForResource"], arns.budget),
        allow("ReadTopic", ["sns:GetTopicAttributes", "sns:ListTagsForResource"], arns.topic),
        allow("ReadSubscription", ["sns:GetSubscriptionAttributes"], "*"),
        *([allow("ReadSettings", SETTING_READS, [arns.parameter(name) for name in parameters])] if parameters else []),
    ]
    if backup_bucket:
        statements.append(allow("ReadBucket", [f"s3:{read}" for read in BUCKET_READS], _bucket(backup_bucket)))
    return document(*statements, *backend_statements(backend, writes=False))


def _lookups(arns: Arns) -> list[Document]:
    """What the program asks AWS whenever it runs: the newest image, the certificate, hosts that exist."""
    return [
        allow("FindImage", ["ssm:GetParameter"], arns.public_parameters),
        allow("LookUp", ["acm:ListCertificates", "ec2:DescribeInstances", "ec2:DescribeVolumes"], "*"),
        allow(
            "ReadCertificate",
            ["acm:DescribeCertificate", "acm:GetCertificate", "acm:ListTagsForCertificate"],
            arns.certificates,
        ),
    ]


def _backup_statements(bucket: str, prefix: str) -> list[Document]:
    """Write and read back below its own prefix; nothing is deleted, old backups go by the bucket's own rule."""
    below = {"StringLike": {"s3:prefix": f"{prefix}*"}}
    return [
        allow("KeepBackups", ["s3:PutObject", "s3:GetObject"], f"{_bucket(bucket)}/{prefix}*"),
        allow("FindBackups", ["s3:ListBucket"], _bucket(bucket), below),
    ]


def _bucket(name: str) -> str:
    return f"arn:aws:s3:::{name}"


def _through_ssm(arns: Arns, parameters: Sequence[str]) -> Document:
    """Decrypted by SSM, and as part of these parameters only."""
    service = f"ssm.{arns.region}.amazonaws.com"
    return {"StringEquals": {"kms:ViaService": service, "kms:EncryptionContext:PARAMETER_ARN": list(parameters)}}
