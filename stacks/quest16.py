"""Quest 16: a monorepo on CodeBuild, all of whose packages are deployed at once, and production behind an approval."""

from dataclasses import dataclass
from typing import Any

import pulumi

from components.artifacts import Artifacts, ArtifactsArgs
from components.pipeline import (
    RELEASED_KEY,
    DeployProject,
    Machine,
    Pipeline,
    PipelineArgs,
    ProjectArgs,
    Source,
    Targets,
)
from components.pipeline_watch import PipelineThresholds, PipelineWatch, WatchArgs
from components.promotion import Promotion, PromotionArgs
from components.records import Records, RecordsArgs
from components.site import Site, SiteArgs
from stacks import shared_parts
from stacks.quest16_container import declare_container
from stacks.quest16_settings import PromotesSettings, Quest16Settings, SourceSettings

SYSTEM = "quest16"


def declare(settings: Quest16Settings) -> None:
    """The targets of every package, and what brings releases to them: pushes, or staging's verified release."""
    provider = shared_parts.provider(SYSTEM, settings)
    options = pulumi.ResourceOptions(provider=provider)
    account = shared_parts.account(provider)
    artifacts = Artifacts(SYSTEM, ArtifactsArgs(deletable=not settings.deletion_protection), options)
    records = Records(SYSTEM, _records(settings), options)
    sites = {
        package.name: Site(f"{SYSTEM}-{package.name}", _site(settings, package.name), options)
        for package in settings.packages
        if package.target == "site"
    }
    containers = {
        package.name: declare_container(SYSTEM, settings, account, provider)
        for package in settings.packages
        if package.target == "container"
    }
    targets = Targets(
        sites=sites,
        containers={name: container.environment for name, container in containers.items()},
        repositories={name: container.repository_url for name, container in containers.items()},
        release_statements=[one for container in containers.values() for one in container.statements],
    )
    shared = _Shared(settings, account, artifacts, targets, records.table)
    if settings.source:
        _builds(settings.source, shared, options)
    if settings.promotes:
        _promotes(settings.promotes, shared, options)
    for name, site in sites.items():
        pulumi.export("url" if len(sites) == 1 else f"{name}Url", site.url)
    for name, container in containers.items():
        pulumi.export(f"{name}Url", container.url)
    pulumi.export("artifactsBucket", artifacts.bucket)
    pulumi.export("deploysTable", records.table)


def _builds(source: SourceSettings, shared: "_Shared", options: pulumi.ResourceOptions) -> None:
    """A push is built, and what is green deployed."""
    pipeline = Pipeline(SYSTEM, shared.pipeline(source), options)
    watch = PipelineWatch(SYSTEM, shared.watch(pipeline.project, None), options)
    pulumi.export("releasedKey", RELEASED_KEY)
    pulumi.export("buildspec", pipeline.buildspec)
    pulumi.export("project", pipeline.project)
    pulumi.export("topic", watch.topic_arn)


def _promotes(promotes: PromotesSettings, shared: "_Shared", options: pulumi.ResourceOptions) -> None:
    """What staging verified is deployed, once somebody has approved it."""
    deploys = DeployProject(SYSTEM, shared.project(f"{shared.settings.name}-deploy"), options)
    watch = PipelineWatch(SYSTEM, shared.watch(deploys.project, f"{shared.settings.name}-promotion"), options)
    promotion = Promotion(SYSTEM, shared.promotion(promotes, deploys.project, watch.topic_arn), options)
    pulumi.export("project", deploys.project)
    pulumi.export("pipeline", promotion.pipeline)
    pulumi.export("topic", watch.topic_arn)


def _records(settings: Quest16Settings) -> RecordsArgs:
    return RecordsArgs(table=f"{settings.name}-deploys", deletion_protection=settings.deletion_protection)


def _site(settings: Quest16Settings, package: str) -> SiteArgs:
    return SiteArgs(
        package=package,
        protocol=settings.site.viewer_protocol,
        domain=settings.site.domain,
        certificate_arn=settings.site.certificate_arn,
        deletable=not settings.deletion_protection,
    )


@dataclass(frozen=True)
class _Shared:
    """What the stack's parts have in common, handed to each in its own words."""

    settings: Quest16Settings
    account: str
    artifacts: Artifacts
    targets: Targets
    table: pulumi.Output[str]

    def _common(self, project: str) -> dict[str, Any]:
        machine = self.settings.machine
        return {
            "project": project,
            "account": self.account,
            "region": self.settings.region,
            "machine": Machine(
                image=machine.image,
                compute_type=machine.compute_type,
                timeout_minutes=machine.timeout_minutes,
                queued_timeout_minutes=machine.queued_timeout_minutes,
            ),
            "artifacts": self.artifacts,
            "targets": self.targets,
            "table": self.table,
            "log_group": f"/aws/codebuild/{project}",
            "retention_days": self.settings.log_retention_days,
            "deploy_timeout_seconds": self.settings.deploy_timeout_seconds,
        }

    def project(self, name: str) -> ProjectArgs:
        return ProjectArgs(**self._common(name))

    def pipeline(self, source: SourceSettings) -> PipelineArgs:
        return PipelineArgs(
            **self._common(f"{self.settings.name}-build"),
            source=Source(
                location=source.repository,
                branch=source.branch,
                connection_arn=source.connection_arn,
                buildspec_file=source.buildspec_file,
            ),
            packages=self.settings.packages,
            node=self.settings.node_version,
        )

    def promotion(
        self, promotes: PromotesSettings, project: pulumi.Output[str], topic: pulumi.Output[str]
    ) -> PromotionArgs:
        return PromotionArgs(
            pipeline=f"{self.settings.name}-promotion",
            account=self.account,
            region=self.settings.region,
            source_bucket=promotes.bucket,
            source_key=promotes.key,
            artifacts=self.artifacts,
            project=project,
            project_name=f"{self.settings.name}-deploy",
            topic_arn=topic,
        )

    def watch(self, project: pulumi.Output[str], pipeline: str | None) -> WatchArgs:
        alarms = self.settings.alarms
        return WatchArgs(
            name=f"{self.settings.name}-pipeline",
            account=self.account,
            region=self.settings.region,
            project=project,
            pipeline=pipeline,
            emails=self.settings.notifications.emails,
            endpoints=self.settings.notifications.endpoints,
            thresholds=PipelineThresholds(
                duration_minutes=alarms.duration_minutes,
                success_percent=alarms.success_percent,
                fix_hours=alarms.fix_hours,
            ),
        )
