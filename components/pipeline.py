"""A monorepo's pipeline on CodeBuild: every push to one branch is linted, built, tested and deployed as a whole."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws import cloudwatch, codebuild, iam

from components import buildspec, pipeline_policies
from components.artifacts import BUILDS, CACHE, RELEASED, Artifacts
from components.buildspec import Package
from components.pipeline_policies import BuildRights, SiteArns
from components.policies import Document
from components.site import Site

RELEASED_KEY = f"{RELEASED}release.zip"  # what production takes, once it is verified here
METRICS = "infra-release/pipeline"


@dataclass(frozen=True, kw_only=True)
class Source:
    """The monorepo and the branch whose pushes are built."""

    location: str  # https://github.com/<owner>/<name>
    branch: str
    connection_arn: str | None  # of CodeConnections; None = the account's own GitHub credentials for CodeBuild
    buildspec_file: str | None  # in the repository; None = the one rendered here


@dataclass(frozen=True, kw_only=True)
class Machine:
    image: str
    compute_type: str
    timeout_minutes: int
    queued_timeout_minutes: int


@dataclass(frozen=True, kw_only=True)
class Targets:
    """Where the packages go; containers with the statements their ECS release needs."""

    sites: Mapping[str, Site]  # by package
    containers: Mapping[str, Mapping[str, pulumi.Input[str]]]  # package → environment of the ECS release
    repositories: Mapping[str, pulumi.Input[str]]  # package → image repository
    release_statements: Sequence[dict[str, Any]] = ()

    def described(self) -> pulumi.Output[str]:
        """What `actions.deploy_packages` reads."""
        sites = {
            name: {"kind": "site", "bucket": site.bucket, "distribution": site.distribution, "url": site.url}
            for name, site in self.sites.items()
        }
        containers = {
            name: {"kind": "container", "environment": dict(environment)}
            for name, environment in self.containers.items()
        }
        return pulumi.Output.json_dumps({**sites, **containers}, sort_keys=True)


@dataclass(frozen=True, kw_only=True)
class ProjectArgs:
    project: str
    account: str
    region: str
    machine: Machine
    artifacts: Artifacts
    targets: Targets
    table: pulumi.Input[str]
    log_group: str
    retention_days: int
    deploy_timeout_seconds: int


@dataclass(frozen=True, kw_only=True)
class PipelineArgs(ProjectArgs):
    source: Source
    packages: tuple[Package, ...]
    node: int


class DeployProject(pulumi.ComponentResource):
    """The CodeBuild project that carries an approved release into production; it builds nothing."""

    project: pulumi.Output[str]

    def __init__(self, name: str, args: ProjectArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:pipeline:DeployProject", name, None, opts)
        role, log = _role(self, name, args, None)
        project = codebuild.Project(
            f"{name}-deploy",
            name=args.project,
            description="deploys the release that a pipeline hands over",
            service_role=role,
            source=codebuild.ProjectSourceArgs(
                type="CODEPIPELINE", buildspec=buildspec.render(buildspec.deploy_document())
            ),
            artifacts=codebuild.ProjectArtifactsArgs(type="CODEPIPELINE"),
            environment=_environment(args, {}, images=False),
            logs_config=log,
            build_timeout=args.machine.timeout_minutes,
            queued_timeout=args.machine.queued_timeout_minutes,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.project = project.name
        self.register_outputs({"project": self.project})


class Pipeline(pulumi.ComponentResource):
    """A push to the branch becomes a build; nothing is deployed unless every package is green."""

    project: pulumi.Output[str]
    buildspec: str

    def __init__(self, name: str, args: PipelineArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:pipeline:Pipeline", name, None, opts)
        self.buildspec = buildspec.render(buildspec.document(args.packages, args.node))
        role, log = _role(self, name, args, args.source.connection_arn)
        project = codebuild.Project(
            f"{name}-build",
            name=args.project,
            description=f"lint, build, test and deploy of {args.source.location} at {args.source.branch}",
            service_role=role,
            source=self._source(args.source),
            source_version=args.source.branch,
            artifacts=codebuild.ProjectArtifactsArgs(
                type="S3",
                location=args.artifacts.bucket,
                path=BUILDS.rstrip("/"),
                namespace_type="BUILD_ID",
                name="release.zip",
                packaging="ZIP",
            ),
            cache=codebuild.ProjectCacheArgs(
                type="S3", location=pulumi.Output.concat(args.artifacts.bucket, "/", CACHE.rstrip("/"))
            ),
            environment=_environment(
                args, {"PUBLISH_KEY": RELEASED_KEY}, images=any(one.target == "container" for one in args.packages)
            ),
            logs_config=log,
            build_timeout=args.machine.timeout_minutes,
            queued_timeout=args.machine.queued_timeout_minutes,
            opts=pulumi.ResourceOptions(parent=self),
        )
        codebuild.Webhook(
            f"{name}-pushes",
            project_name=project.name,
            build_type="BUILD",
            filter_groups=[
                codebuild.WebhookFilterGroupArgs(
                    filters=[
                        codebuild.WebhookFilterGroupFilterArgs(type="EVENT", pattern="PUSH"),
                        codebuild.WebhookFilterGroupFilterArgs(
                            type="HEAD_REF", pattern=f"^refs/heads/{_literally(args.source.branch)}$"
                        ),
                    ]
                )
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.project = project.name
        self.register_outputs({"project": self.project})

    def _source(self, source: Source) -> codebuild.ProjectSourceArgs:
        auth = None
        if source.connection_arn:
            auth = codebuild.ProjectSourceAuthArgs(type="CODECONNECTIONS", resource=source.connection_arn)
        return codebuild.ProjectSourceArgs(
            type="GITHUB",
            location=source.location,
            git_clone_depth=1,
            report_build_status=True,
            buildspec=source.buildspec_file or self.buildspec,
            auth=auth,
        )


def _literally(branch: str) -> str:
    """A branch's name as a pattern that matches nothing else."""
    return "".join(f"\\{letter}" if letter in ".+*?()[]{}|^$\\" else letter for letter in branch)


def _environment(args: ProjectArgs, more: Mapping[str, str], *, images: bool) -> codebuild.ProjectEnvironmentArgs:
    """The machine and what a deploy reads; privileged only where an image is built, because Docker needs it."""
    values: dict[str, pulumi.Input[str]] = {
        "REGION": args.region,
        "RELEASE_TOOL": args.artifacts.tool,
        "WORK_BUCKET": args.artifacts.bucket,
        "TARGETS": args.targets.described(),
        "IMAGE_REPOSITORIES": pulumi.Output.json_dumps(dict(args.targets.repositories), sort_keys=True),
        "DEPLOYS_TABLE": args.table,
        "METRICS_NAMESPACE": METRICS,
        "TIMEOUT_SECONDS": str(args.deploy_timeout_seconds),
        **more,
    }
    return codebuild.ProjectEnvironmentArgs(
        type="LINUX_CONTAINER",
        image=args.machine.image,
        compute_type=args.machine.compute_type,
        privileged_mode=images,
        environment_variables=[
            codebuild.ProjectEnvironmentEnvironmentVariableArgs(name=name, value=value, type="PLAINTEXT")
            for name, value in sorted(values.items())
        ],
    )


def _role(
    owner: pulumi.ComponentResource, name: str, args: ProjectArgs, connection: str | None
) -> tuple[pulumi.Output[str], codebuild.ProjectLogsConfigArgs]:
    """The role of the project's builds, and the log group it may write."""
    log = cloudwatch.LogGroup(
        f"{name}-log",
        name=args.log_group,
        retention_in_days=args.retention_days,
        opts=pulumi.ResourceOptions(parent=owner),
    )
    trust = pipeline_policies.service_trust("codebuild.amazonaws.com", args.account)
    role = iam.Role(
        f"{name}-builds",
        name=args.project,
        description=f"builds of {args.project}",
        assume_role_policy=json.dumps(trust),
        opts=pulumi.ResourceOptions(parent=owner),
    )
    sites = list(args.targets.sites.values())
    arns = pulumi.Output.all(
        args.artifacts.arn, args.table, *(arn for site in sites for arn in (site.bucket_arn, site.distribution_arn))
    )
    policy = iam.RolePolicy(
        f"{name}-builds",
        name=args.project,
        role=role.name,
        policy=arns.apply(lambda found: json.dumps(_policy(args, connection, found))),
        opts=pulumi.ResourceOptions(parent=owner),
    )
    arn = pulumi.Output.all(role.arn, policy.id).apply(lambda values: str(values[0]))
    logs = codebuild.ProjectLogsConfigCloudwatchLogsArgs(status="ENABLED", group_name=log.name)
    return arn, codebuild.ProjectLogsConfigArgs(cloudwatch_logs=logs)


def _policy(args: ProjectArgs, connection: str | None, found: Sequence[str]) -> Document:
    bucket, table, *rest = found
    place = f"{args.region}:{args.account}"
    rights = BuildRights(
        bucket=bucket,
        log_group=f"arn:aws:logs:{place}:log-group:{args.log_group}",
        project=f"arn:aws:codebuild:{place}:project/{args.project}",
        role=f"arn:aws:iam::{args.account}:role/{args.project}",
        table=f"arn:aws:dynamodb:{place}:table/{table}",
        namespace=METRICS,
        sites=[SiteArns(bucket=rest[i], distribution=rest[i + 1]) for i in range(0, len(rest), 2)],
        releases=list(args.targets.release_statements),
        connection=connection,
    )
    if isinstance(args, PipelineArgs):
        return pipeline_policies.build_policy(rights)
    return pipeline_policies.deploy_policy(rights, bucket)
