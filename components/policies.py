"""IAM documents: who may take a role, and what it may then do; here the ECS system's. Pure.

A resource of `*` stands only where IAM knows no other for the action: see the Service Authorization Reference,
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from components.arns import Arns

Document = dict[str, Any]

GITHUB_ISSUER = "token.actions.githubusercontent.com"
PULL_IMAGE = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")


# What a refresh reads and IAM knows no resource for, or none that is known before: service → actions.
UNSCOPED_READS = {
    "ec2": (
        *("DescribeVpcs", "DescribeVpcAttribute", "DescribeSubnets", "DescribeInternetGateways", "DescribeRouteTables"),
        *("DescribeSecurityGroups", "DescribeSecurityGroupRules", "DescribeNetworkAcls"),
    ),
    "elasticloadbalancing": (
        *("DescribeLoadBalancers", "DescribeLoadBalancerAttributes", "DescribeCapacityReservation", "DescribeTags"),
        *("DescribeTargetGroups", "DescribeTargetGroupAttributes", "DescribeTargetHealth"),
        *("DescribeListeners", "DescribeListenerAttributes"),
    ),
    "ecs": ("DescribeTaskDefinition", "ListTagsForResource"),
    "ssm": ("DescribeParameters",),
    "logs": ("DescribeLogGroups", "ListTagsForResource"),
    "cloudwatch": ("DescribeAlarms", "GetDashboard", "ListTagsForResource"),
    "application-autoscaling": ("DescribeScalableTargets", "DescribeScalingPolicies", "ListTagsForResource"),
}
ROLE_READS = ("iam:GetRole", "iam:GetRolePolicy", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies")
SETTING_READS = ("ssm:GetParameter", "ssm:GetParameters", "ssm:ListTagsForResource")


@dataclass(frozen=True, kw_only=True)
class Backend:
    """The Pulumi state in S3, and the key its secrets are encrypted with."""

    bucket: str
    kms_key_arn: str | None


def document(*statements: Document) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(
    sid: str, actions: Iterable[str], resources: str | Sequence[str], condition: Document | None = None
) -> Document:
    """One statement; its actions and resources in a stable order, so that equal policies are equal texts."""
    listed = [resources] if isinstance(resources, str) else sorted(resources)
    statement: Document = {"Sid": sid, "Effect": "Allow", "Action": sorted(actions), "Resource": listed}
    return statement | ({"Condition": condition} if condition else {})


def ecs_task_trust(arns: Arns) -> Document:
    """ECS tasks of this account and region take the role; nobody can have ECS take it on behalf of another account."""
    return document(
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            "Condition": {
                "StringEquals": {"aws:SourceAccount": arns.account},
                "ArnLike": {"aws:SourceArn": arns.ecs_of_account},
            },
        }
    )


def github_subjects(repository: str, claim: str, organization_id: str | None, repository_id: str | None) -> list[str]:
    """The `sub` claims of a repository's runs: by name and, when both numbers are known, in the immutable form.

    Repositories made or renamed since July 2026 have the second form only. Without the numbers it could only be
    matched by wildcards, which another repository of the organisation could meet with an environment named to fit;
    so it is left out.
    """
    organization, _, name = repository.partition("/")
    subjects = [f"repo:{organization}/{name}:{claim}"]
    if organization_id and repository_id:
        subjects.append(f"repo:{organization}@{organization_id}/{name}@{repository_id}:{claim}")
    return subjects


def github_trust(provider_arn: str, subjects: Sequence[str]) -> Document:
    """Workflow runs with exactly one of these subjects take the role."""
    return document(
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": provider_arn},
            "Condition": {
                "StringEquals": {f"{GITHUB_ISSUER}:aud": "sts.amazonaws.com", f"{GITHUB_ISSUER}:sub": list(subjects)},
            },
        }
    )


def execution_policy(arns: Arns, parameters: Sequence[str]) -> Document:
    """What ECS does on a task's behalf before it runs: pull this image, write this log, read these parameters."""
    statements = [
        allow("RegistryLogin", ["ecr:GetAuthorizationToken"], "*"),
        allow("PullImage", PULL_IMAGE, arns.repository),
        allow("WriteLog", ["logs:CreateLogStream", "logs:PutLogEvents"], arns.log_streams),
    ]
    if parameters:
        names = sorted(arns.parameter(name) for name in parameters)
        through_ssm = {
            "StringEquals": {
                "kms:ViaService": f"ssm.{arns.region}.amazonaws.com",
                "kms:EncryptionContext:PARAMETER_ARN": names,
            }
        }
        statements += [
            allow("ReadParameters", ["ssm:GetParameters"], names),
            allow("DecryptParameters", ["kms:Decrypt"], arns.keys, through_ssm),
        ]
    return document(*statements)


def release_policy(arns: Arns, backend: Backend | None = None) -> Document:
    """What a release does, and nothing else: push an image, move the service, watch it, record it."""
    names = arns.names
    in_cluster = {"ArnEquals": {"ecs:cluster": arns.cluster}}
    to_tasks = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    task_roles = [arns.role(names.execution_role), arns.role(names.task_role)]
    simulated = [arns.role(names.release_role), arns.role(names.execution_role)]
    upload = ("ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage")
    define = ("ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition", "ecs:DeregisterTaskDefinition")
    deployments = ("ecs:DescribeServiceDeployments", "ecs:StopServiceDeployment")
    record = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
    return document(
        allow("RegistryLogin", ["ecr:GetAuthorizationToken"], "*"),
        allow("PushImage", [*PULL_IMAGE, *upload, "ecr:DescribeImages"], arns.repository),
        allow("MoveService", ["ecs:DescribeServices", "ecs:UpdateService", "ecs:ListServiceDeployments"], arns.service),
        allow("FollowDeployment", deployments, arns.service_deployments),
        allow("ReadRevisions", ["ecs:DescribeServiceRevisions"], arns.service_revisions),
        allow("ListTasks", ["ecs:ListTasks"], "*", in_cluster),
        allow("ReadTasks", ["ecs:DescribeTasks"], arns.tasks),
        allow("DefineTasks", define, "*"),
        allow("TagRevisions", ["ecs:TagResource"], arns.released_revisions),
        allow("WatchTargets", ["elasticloadbalancing:DescribeTargetHealth"], "*"),
        allow("WatchAlarms", ["cloudwatch:DescribeAlarms"], arns.alarms),
        allow("FindLog", ["logs:DescribeLogGroups"], arns.log_groups),
        allow("ReadLog", ["logs:GetLogEvents"], arns.log_streams),
        allow("FindParameters", ["ssm:DescribeParameters"], "*"),
        allow("ReadRoles", ["iam:GetRole"], task_roles),
        allow("PassRoles", ["iam:PassRole"], task_roles, to_tasks),
        allow("CheckPermissions", ["iam:SimulatePrincipalPolicy"], simulated),
        allow("RecordRelease", record, arns.table),
        *backend_statements(backend, writes=True),
    )


def preview_policy(arns: Arns, parameters: Sequence[str], backend: Backend | None = None) -> Document:
    """What `pulumi preview --refresh` reads; `parameters` are those of the settings, never those of secrets."""
    names = arns.names
    roles = [
        arns.role(name) for name in (names.execution_role, names.task_role, names.release_role, names.preview_role)
    ]
    repository = ("DescribeRepositories", "GetLifecyclePolicy", "ListTagsForResource", "DescribeImages")
    table = ("DescribeTable", "DescribeContinuousBackups", "DescribeTimeToLive", "ListTagsOfResource", "GetItem")
    return document(
        allow(
            "ReadUnscoped", [f"{service}:{read}" for service, reads in UNSCOPED_READS.items() for read in reads], "*"
        ),
        allow("ReadRepository", [f"ecr:{action}" for action in repository], arns.repository),
        allow("ReadService", ["ecs:DescribeServices", "ecs:ListServiceDeployments"], arns.service),
        allow("ReadCluster", ["ecs:DescribeClusters"], arns.cluster),
        allow("ListTasks", ["ecs:ListTasks"], "*", {"ArnEquals": {"ecs:cluster": arns.cluster}}),
        allow("ReadTasks", ["ecs:DescribeTasks"], arns.tasks),
        allow("ReadTable", [f"dynamodb:{action}" for action in table], arns.table),
        allow("ReadRoles", ROLE_READS, roles),
        allow("ReadIssuer", ["iam:GetOpenIDConnectProvider"], arns.github),
        *([allow("ReadSettings", SETTING_READS, [arns.parameter(name) for name in parameters])] if parameters else []),
        *backend_statements(backend, writes=False),
    )


def backend_statements(backend: Backend | None, *, writes: bool) -> list[Document]:
    """Reading the state takes ListBucket, GetObject and Decrypt; an update also writes it, its lock and its history."""
    if backend is None:
        return []
    bucket = f"arn:aws:s3:::{backend.bucket}"
    objects = ["s3:GetObject", *(["s3:PutObject", "s3:DeleteObject"] if writes else [])]
    statements = [allow("FindState", ["s3:ListBucket"], bucket), allow("State", objects, f"{bucket}/*")]
    if backend.kms_key_arn:
        keys = ["kms:Decrypt", *(["kms:Encrypt", "kms:GenerateDataKey"] if writes else [])]
        statements.append(allow("StateKey", keys, backend.kms_key_arn))
    return statements
