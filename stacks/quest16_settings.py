"""Quest 16's settings. Defaults are the document's where it names one, else AWS's."""

import json
from dataclasses import dataclass, field

from components.buildspec import TARGETS, Package
from components.edge import PROTOCOLS
from stacks import shared_settings as shared
from stacks.config_reader import Section

IMAGE = "aws/codebuild/standard:7.0"
PACKAGES = '[{"name": "site", "path": "packages/site", "output": "dist", "target": "site"}]'


@dataclass(frozen=True, kw_only=True)
class SourceSettings:
    repository: str
    branch: str
    connection_arn: str | None
    buildspec_file: str | None


@dataclass(frozen=True, kw_only=True)
class PromotesSettings:
    """Staging's stack: its outputs `artifactsBucket` and `releasedKey`."""

    bucket: str
    key: str


@dataclass(frozen=True, kw_only=True)
class MachineSettings:
    image: str
    compute_type: str
    timeout_minutes: int
    queued_timeout_minutes: int


@dataclass(frozen=True, kw_only=True)
class SiteSettings:
    viewer_protocol: str
    domain: str | None
    certificate_arn: str | None


@dataclass(frozen=True, kw_only=True)
class ContainerSettings:
    """The service of the package whose target is a container."""

    repository: str
    port: int
    health_path: str
    health_command: str | None  # asked inside the container
    interval_seconds: int  # between two questions of the balancer
    deregistration_delay_seconds: int
    cpu: int
    memory: int
    desired_count: int
    vpc_cidr: str
    availability_zones: tuple[str, ...]
    domain: str | None
    certificate_arn: str | None


@dataclass(frozen=True, kw_only=True)
class NotificationSettings:
    emails: tuple[str, ...]
    endpoints: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PipelineAlarmSettings:
    duration_minutes: int
    success_percent: float
    fix_hours: float


@dataclass(frozen=True, kw_only=True)
class Quest16Settings:
    environment: str = field(metadata={"program": True})
    region: str
    account_id: str | None
    name: str
    source: SourceSettings | None  # builds from pushes …
    promotes: PromotesSettings | None  # … or takes what staging verified
    packages: tuple[Package, ...]
    node_version: int
    machine: MachineSettings
    site: SiteSettings
    container: ContainerSettings
    deploy_timeout_seconds: int
    notifications: NotificationSettings
    alarms: PipelineAlarmSettings
    log_retention_days: int
    deletion_protection: bool


def read(environment: str, config: Section) -> Quest16Settings:
    if config.has("source") == config.has("promotes"):
        why = "a stack either builds what is pushed or takes what another one verified"
        config.refuse("source", f"and promotes: exactly one of them must be set, because {why}")
    packages = _packages(config)
    return Quest16Settings(
        environment=environment,
        region=shared.region(config, "us-east-1"),
        account_id=shared.account_id(config),
        name=shared.name(config, "Quest16"),
        source=_source(config) if config.has("source") else None,
        promotes=_promotes(config) if config.has("promotes") else None,
        packages=packages,
        node_version=config.integer("nodeVersion", 22, 18, 30),
        machine=_machine(config),
        site=_site(config),
        container=_container(config, shared.region(config, "us-east-1")),
        deploy_timeout_seconds=config.integer("deployTimeoutSeconds", 900, 30, 3600),
        notifications=_notifications(config),
        alarms=_alarms(config),
        log_retention_days=shared.log_retention_days(config),
        deletion_protection=config.flag("deletionProtection", False),
    )


def _source(config: Section) -> SourceSettings:
    source = config.section("source", SourceSettings)
    return SourceSettings(
        repository=source.text(
            "repository",
            None,
            r"https://[\w.-]+/[\w.-]+/[\w.-]+",
            "the address of a repository such as https://github.com/your-org/your-monorepo",
        ),
        branch=source.text("branch", "main", r"[\w./-]+", "the name of a branch such as main"),
        connection_arn=source.optional_text(
            "connectionArn",
            r"arn:aws[a-z-]*:code(star-)?connections:[\w-]+:\d{12}:connection/.+",
            "an ARN of CodeConnections",
        ),
        buildspec_file=source.optional_text(
            "buildspecFile", r"[\w./-]+\.ya?ml", "a file of the repository such as buildspec.yml"
        ),
    )


def _promotes(config: Section) -> PromotesSettings:
    promotes = config.section("promotes", PromotesSettings)
    return PromotesSettings(
        bucket=promotes.text(
            "bucket", None, r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of staging's artifacts bucket"
        ),
        key=promotes.text("key", "released/release.zip", r"[!-~]+", "a key such as released/release.zip"),
    )


def _packages(config: Section) -> tuple[Package, ...]:
    right = "a list of packages with name, path, output and target"
    value = config.values.get("packages", PACKAGES)
    try:
        listed = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        config.expect("packages", right)
    if not isinstance(listed, list) or not listed:
        config.expect("packages", right)
    packages = tuple(_package(config, number, one) for number, one in enumerate(listed))
    names = [package.name for package in packages]
    if len(set(names)) < len(names):
        config.refuse("packages", f"names a package twice: {', '.join(names)}")
    containers = [package.name for package in packages if package.target == "container"]
    if len(containers) > 1:
        config.refuse("packages", f"has more than one container: {', '.join(containers)}; a stack has one service")
    if containers and config.has("promotes"):
        config.refuse("packages", f"has the container {containers[0]}, but production takes sites only so far")
    return packages


def _package(config: Section, number: int, content: object) -> Package:
    if not isinstance(content, dict):
        config.refuse(f"packages[{number}]", "is no map with name, path, output and target")
    one = Section(content, config.file, f"{config.path}packages[{number}].", ("name", "path", "output", "target"))
    inside = r"(?!.*\.\.)[\w.-]+(/[\w.-]+)*"
    name = one.text("name", None, r"[a-z][a-z0-9-]*", "a name in lower case")
    return Package(
        name=name,
        path=one.text("path", f"packages/{name}", inside, "a directory below the repository's root"),
        output=one.text("output", "dist", inside, "a directory below the package's path"),
        target=one.text("target", None, "|".join(TARGETS), f"one of {', '.join(TARGETS)}"),
    )


def _machine(config: Section) -> MachineSettings:
    machine = config.section("machine", MachineSettings)
    return MachineSettings(
        image=machine.text(
            "image", "aws/codebuild/standard:7.0", r"\S+", "an image such as aws/codebuild/standard:7.0"
        ),
        # the document's: 2 vCPU, 3 GB, 0.005 dollars a minute
        compute_type=machine.text("computeType", "BUILD_GENERAL1_SMALL", r"BUILD_\w+", "such as BUILD_GENERAL1_SMALL"),
        timeout_minutes=machine.integer("timeoutMinutes", 60, 5, 2160),
        queued_timeout_minutes=machine.integer("queuedTimeoutMinutes", 480, 5, 480),
    )


def _site(config: Section) -> SiteSettings:
    site = config.section("site", SiteSettings)
    domain, certificate = shared.domain(site), shared.certificate_arn(site, "us-east-1")
    if (domain is None) != (certificate is None):
        site.refuse("domain", "and certificateArn belong together: set both or none")
    protocol = site.text("viewerProtocol", PROTOCOLS[0], "|".join(PROTOCOLS), f"one of {', '.join(PROTOCOLS)}")
    return SiteSettings(viewer_protocol=protocol, domain=domain, certificate_arn=certificate)


def _notifications(config: Section) -> NotificationSettings:
    notifications = config.section("notifications", NotificationSettings)
    return NotificationSettings(
        emails=notifications.texts("emails", r"[^@\s]+@[^@\s]+", "a list of e-mail addresses"),
        endpoints=notifications.texts("endpoints", r"https?://\S+", "a list of https addresses"),
    )


def _alarms(config: Section) -> PipelineAlarmSettings:
    alarms = config.section("alarms", PipelineAlarmSettings)
    return PipelineAlarmSettings(
        duration_minutes=alarms.integer("durationMinutes", 15, 1, 2160),
        success_percent=alarms.number("successPercent", 90.0, 1, 100),
        fix_hours=alarms.number("fixHours", 4.0, 0.1, 1000),
    )


def _container(config: Section, region: str) -> ContainerSettings:
    container = config.section("container", ContainerSettings)
    return ContainerSettings(
        repository=shared.repository(container, "quest16-api"),
        port=container.integer("port", 8000, 1, 65535),
        health_path=shared.health_path(container),
        health_command=container.optional_text("healthCommand", r"(?s).*\S.*", "a shell command that exits 0"),
        interval_seconds=container.integer("intervalSeconds", 30, 5, 300),
        deregistration_delay_seconds=container.integer("deregistrationDelaySeconds", 60, 0, 3600),
        desired_count=container.integer("desiredCount", 2, 1, 1000),
        vpc_cidr=shared.vpc_cidr(container, "10.16.0.0/16"),
        availability_zones=shared.availability_zones(container, region),
        domain=shared.domain(container),
        certificate_arn=shared.certificate_arn(container, region),
        **shared.fargate_size(container),
    )
