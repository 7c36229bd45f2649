"""TeamMoa's settings. Defaults are the document's figures, else AWS's; what no default can know is necessary."""

from dataclasses import dataclass

from components.release.rolling import LONGEST_DRAIN, plan_waves
from stacks import service_settings as service
from stacks import shared_settings as shared
from stacks import teammoa_single as single
from stacks.config_reader import Section
from stacks.service_settings import ServiceSettings
from stacks.teammoa_single import LetsEncryptSettings

UBUNTU = "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id"  # Canonical's, public
AN_INSTANCE_TYPE = r"[a-z][a-z0-9-]*\.[a-z0-9-]+"
A_HOST = r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?"
FOUND_BY_STACK = ("DB_HOST", "REDIS_HOST")


@dataclass(frozen=True, kw_only=True)
class HealthCheckSettings:
    """The balancer's question to a host."""

    interval_seconds: int
    timeout_seconds: int
    healthy_threshold: int
    unhealthy_threshold: int


@dataclass(frozen=True, kw_only=True)
class StickinessSettings:
    """A user stays on one host as long as the application's cookie lives."""

    cookie: str
    seconds: int


@dataclass(frozen=True, kw_only=True)
class RollingSettings:
    wave_size: int
    order: tuple[str, ...]  # of host names; empty = web-1, web-2 …
    drain_seconds: int
    health_retries: int
    health_interval_seconds: int
    migrate: str | None  # command, run once in a container of the new image


@dataclass(frozen=True, kw_only=True)
class AccessSettings:
    method: str  # ssh or ssm
    user: str


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """Where MySQL and Redis live: on a private host of the stack, elsewhere, or beside the application."""

    mode: str  # host, managed, or (without a balancer) same
    database_image: str
    redis_image: str
    database_host: str | None
    redis_host: str | None
    instance_type: str
    volume_size: int  # GiB


@dataclass(frozen=True, kw_only=True)
class BackupSettings:
    schedule: str  # systemd's OnCalendar
    retention_days: int
    bucket: str | None  # None = <name>-<environment>-backups-<account>


@dataclass(frozen=True, kw_only=True)
class AlarmSettings:
    error_count: int  # answers 5xx per minute
    latency_seconds: float  # 95th percentile
    cpu_percent: int
    disk_percent: int
    topic_arn: str | None  # SNS topic that hears of alarms
    email: str | None  # for which the stack makes such a topic


@dataclass(frozen=True, kw_only=True)
class BudgetSettings:
    monthly_usd: int
    email: str


@dataclass(frozen=True, kw_only=True)
class TeamMoaSettings(ServiceSettings):
    balancer: bool  # False: one host that the internet asks itself
    host_count: int
    instance_type: str
    volume_size: int  # GiB, of a web host
    ami: str | None
    ami_parameter: str  # SSM parameter that names the AMI
    instance_ids: tuple[str, ...]  # hosts that exist, in place of the stack's own
    security_group_id: str | None  # theirs
    lets_encrypt: LetsEncryptSettings | None  # the domain's certificate without a balancer
    certificate_domain: str | None  # whose newest issued certificate is taken
    websocket_path: str | None
    health_check: HealthCheckSettings
    stickiness: StickinessSettings
    idle_timeout_seconds: int
    rolling: RollingSettings
    access: AccessSettings
    data: DataSettings
    nginx_image: str
    backup: BackupSettings
    alarms: AlarmSettings
    budget: BudgetSettings | None

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts' names, in the order of a release."""
        return self.rolling.order or host_names(self.host_count)


def host_names(count: int) -> tuple[str, ...]:
    return tuple(f"web-{number}" for number in range(1, count + 1))


def read(environment: str, config: Section) -> TeamMoaSettings:
    common = service.read(
        *(environment, config),
        region="ap-northeast-2",
        name="TeamMoa",
        repository="teammoa-web",
        vpc_cidr="10.0.0.0/16",
    )
    balancer = config.flag("balancer", True)
    single.check(config, balancer)
    instance_ids = _instance_ids(config)
    host_count = _host_count(config, instance_ids) if balancer else 1
    if balancer:
        _check_certificate(config)
    _check_ami(config)
    shared.check_pairs(config, ("instanceIds", "securityGroupId", "the balancer is let into the group of the hosts"))
    data = _data(config, balancer)
    _check_variables(config, data, common["settings"], common["secrets"])
    return TeamMoaSettings(
        **common,
        balancer=balancer,
        host_count=host_count,
        instance_type=_instance_type(config),
        volume_size=config.integer("volumeSize", 16, 8, 16384),
        ami=config.optional_text("ami", r"ami-[0-9a-f]+", "the id of an AMI such as ami-0a1b2c3d"),
        ami_parameter=config.text(
            "amiParameter", UBUNTU, r"/[\w./-]+", "the name of an SSM parameter that names an AMI"
        ),
        instance_ids=instance_ids,
        security_group_id=config.optional_text("securityGroupId", r"sg-[0-9a-f]+", "a security group such as sg-0a1b"),
        lets_encrypt=single.lets_encrypt(config) if config.has("letsEncrypt") else None,
        certificate_domain=shared.domain(config, "certificateDomain"),
        websocket_path=config.optional_text("websocketPath", r"/[!-~]*", "a path that begins with / such as /ws/echo/"),
        health_check=_health_check(config, balancer),
        stickiness=_stickiness(config),
        idle_timeout_seconds=config.integer("idleTimeoutSeconds", 3600, 1, 4000),
        rolling=_rolling(config, host_count),
        access=_access(config),
        data=data,
        nginx_image=shared.image(config, "nginxImage", "nginx:1.25-alpine"),
        backup=_backup(config),
        alarms=_alarms(config, common["region"], balancer),
        budget=_budget(config) if config.has("budget") else None,
    )


def _instance_ids(config: Section) -> tuple[str, ...]:
    right = "a list of at least two different instance ids such as [i-0a1b, i-2c3d]"
    ids = config.texts("instanceIds", r"i-[0-9a-f]+", right)
    if config.has("instanceIds") and len(set(ids)) < max(2, len(ids)):
        config.expect("instanceIds", right)
    for key in ("hostCount", "instanceType", "ami", "amiParameter", "volumeSize"):
        if ids and config.has(key):
            config.refuse(key, "is set next to instanceIds: it is for hosts of the stack's own, so take one away")
    if ids and not config.has("vpcId"):
        config.refuse("vpcId", "is missing, but instanceIds is set: the balancer lives in the VPC of the hosts")
    return ids


def _host_count(config: Section, instance_ids: tuple[str, ...]) -> int:
    why = "a release takes a host out of service, and another one must serve; one host alone needs balancer: false"
    return len(instance_ids) or config.integer("hostCount", 2, 2, 1000, why)


def _check_certificate(config: Section) -> None:
    if config.has("certificateArn") and config.has("certificateDomain"):
        config.refuse("certificateDomain", "is set next to certificateArn: one certificate is enough, so take one away")
    if config.has("domain") and not (config.has("certificateArn") or config.has("certificateDomain")):
        config.refuse("domain", "is set without certificateArn or certificateDomain, but it is served by HTTPS")


def _check_ami(config: Section) -> None:
    for one, other in (("ami", "amiParameter"),):
        if config.has(one) and config.has(other):
            config.refuse(other, f"is set next to {one}: both name the hosts' image, so take one away")


def _instance_type(section: Section) -> str:
    return section.text("instanceType", "t3.micro", AN_INSTANCE_TYPE, "an instance type such as t3.micro")


def _health_check(config: Section, balancer: bool) -> HealthCheckSettings:
    check = config.section("healthCheck", HealthCheckSettings)
    single.refuse(check, balancer, "intervalSeconds", "healthyThreshold")
    interval = check.integer("intervalSeconds", 30, 5, 300)
    longest = min(120, interval - 1)  # 120 is AWS's
    return HealthCheckSettings(
        interval_seconds=interval,
        timeout_seconds=check.integer(
            "timeoutSeconds", min(5, longest), 2, longest, f"less than the interval of {interval}"
        ),
        healthy_threshold=check.integer("healthyThreshold", 2, 2, 10),
        unhealthy_threshold=check.integer("unhealthyThreshold", 3, 2, 10),
    )


def _stickiness(config: Section) -> StickinessSettings:
    stickiness = config.section("stickiness", StickinessSettings)
    return StickinessSettings(
        cookie=stickiness.text(
            "cookie", "sessionid", r"(?!AWSALB)[\w.-]{1,256}", "the application's cookie, not AWS's own"
        ),
        seconds=stickiness.integer("seconds", 86400, 1, 604800),
    )


def _rolling(config: Section, host_count: int) -> RollingSettings:
    rolling = config.section("rolling", RollingSettings)
    names = host_names(host_count)
    if host_count == 1:  # nothing to put in order, and no wave to leave anybody behind
        single.refuse(rolling, False, "waveSize", "order")
        return _rolling_settings(rolling, order=(), wave_size=1)
    right = f"each of {', '.join(names)} once"
    order = rolling.texts("order", r"\S+", right)
    if rolling.has("order") and tuple(sorted(order)) != tuple(sorted(names)):
        rolling.expect("order", right)
    wave_size = rolling.integer("waveSize", 1, 1, 1000)
    try:
        plan_waves(order or names, wave_size)
    except ValueError as error:
        rolling.refuse("waveSize", f"is {wave_size}, but {error}, and at least one must serve")
    return _rolling_settings(rolling, order=order, wave_size=wave_size)


def _rolling_settings(rolling: Section, *, order: tuple[str, ...], wave_size: int) -> RollingSettings:
    return RollingSettings(
        wave_size=wave_size,
        order=order,
        drain_seconds=rolling.integer("drainSeconds", 300, 0, LONGEST_DRAIN),
        health_retries=rolling.integer("healthRetries", 3, 1, 100),
        health_interval_seconds=rolling.integer("healthIntervalSeconds", 10, 1, 300),
        migrate=rolling.optional_text("migrate", r"(?s).*\S.*", "a command of the image that exits 0 when all is well"),
    )


def _access(config: Section) -> AccessSettings:
    access = config.section("access", AccessSettings)
    return AccessSettings(
        method=access.text("method", "ssh", "ssh|ssm", "ssh or ssm"),
        user=access.text("user", "ubuntu", r"[a-z_][a-z0-9_-]{0,31}", "a login name of the hosts such as ubuntu"),
    )


def _data(config: Section, balancer: bool) -> DataSettings:
    data = config.section("data", DataSettings)
    if balancer:
        mode = data.text("mode", "host", "host|managed", "host or managed, or same with balancer: false")
    else:
        mode = data.text("mode", "same", "same|host|managed", "same, host or managed")
    hosts = {key: data.optional_text(key, A_HOST, "a host name or an address") for key in ("databaseHost", "redisHost")}
    for key, value in hosts.items():
        if mode == "managed" and value is None:
            data.refuse(key, "is missing, but mode is managed: the stack then makes no such host")
        if mode != "managed" and value is not None:
            data.refuse(
                key, f"is set, but mode is {mode}: the stack makes that host, so take it away or set mode: managed"
            )
    for key in ("instanceType", "volumeSize"):
        if mode == "same" and data.has(key):
            data.refuse(key, f"is set, but mode is same: the one host has the {key} at the top, so take it away")
    return DataSettings(
        mode=mode,
        database_image=shared.image(data, "databaseImage", "mysql:8.0"),
        redis_image=shared.image(data, "redisImage", "redis:7-alpine"),
        database_host=hosts["databaseHost"],
        redis_host=hosts["redisHost"],
        instance_type=_instance_type(data),
        volume_size=data.integer("volumeSize", 20, 8, 16384),
    )


def _check_variables(config: Section, data: DataSettings, settings: dict[str, str], secrets: dict[str, str]) -> None:
    """The stack says where the data lives; the rest of what MySQL must know is said once, for both sides."""
    for variable in FOUND_BY_STACK:
        if variable in settings or variable in secrets:
            kind = "settings" if variable in settings else "secrets"
            config.refuse(f"{kind}.{variable}", "is what the stack itself says: it comes from data, so take it away")
    if data.mode == "managed":
        return
    for variable in ("DB_NAME", "DB_USER"):
        if variable not in settings and variable not in secrets:
            config.refuse(f"settings.{variable}", "is missing, but the data host's MySQL is made with it")
    if "DB_PASSWORD" not in secrets:
        config.refuse("secrets.DB_PASSWORD", "is missing, but the data host's MySQL is made with it")


def _backup(config: Section) -> BackupSettings:
    backup = config.section("backup", BackupSettings)
    return BackupSettings(
        schedule=backup.text(
            "schedule", "*-*-* 03:00:00", r"[\w*/:,.~ -]+", "a calendar event of systemd such as *-*-* 03:00:00"
        ),
        retention_days=backup.integer("retentionDays", 30, 1, 3650),
        bucket=backup.optional_text("bucket", r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of an S3 bucket"),
    )


def _alarms(config: Section, region: str, balancer: bool) -> AlarmSettings:
    alarms = config.section("alarms", AlarmSettings)
    single.refuse(alarms, balancer, "errorCount", "latencySeconds")
    if alarms.has("email") and alarms.has("topicArn"):
        alarms.refuse("email", "is set next to topicArn: subscribe it to that topic, or take one away")
    return AlarmSettings(
        error_count=alarms.integer("errorCount", 10, 1, 10**6),
        latency_seconds=alarms.number("latencySeconds", 2.0, 0.01, 300),
        cpu_percent=alarms.integer("cpuPercent", 85, 1, 100),
        disk_percent=alarms.integer("diskPercent", 85, 1, 100),
        topic_arn=shared.topic_arn(alarms, region),
        email=shared.email(alarms) if alarms.has("email") else None,
    )


def _budget(config: Section) -> BudgetSettings:
    budget = config.section("budget", BudgetSettings)
    return BudgetSettings(monthly_usd=budget.integer("monthlyUsd", 50, 1, 10**6), email=shared.email(budget))
