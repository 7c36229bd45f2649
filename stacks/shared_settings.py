"""Settings that more than one system has, each read and checked by one function."""

import ipaddress
import re
from dataclasses import dataclass

from components.naming import LONGEST_NAME
from stacks.config_reader import Section

# Fargate's sizes: CPU units → MiB (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html).
FARGATE_MEMORY = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4096 + 1, 1024)),
    1024: tuple(range(2048, 8192 + 1, 1024)),
    2048: tuple(range(4096, 16384 + 1, 1024)),
    4096: tuple(range(8192, 30720 + 1, 1024)),
    8192: tuple(range(16384, 61440 + 1, 4096)),
    16384: tuple(range(32768, 122880 + 1, 8192)),
}
LOG_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
MOVING_TAGS = ("latest", "unreleased")  # the one moves with every build, the other is the template's


@dataclass(frozen=True, kw_only=True)
class GithubSettings:
    """Which workflow runs may take the release role."""

    repository: str  # org/repository
    branch: str | None
    environment: str | None  # a GitHub environment; its protection rules then decide about branches and approvals
    organization_id: str | None  # with repository_id: the immutable form of the token's subject
    repository_id: str | None


@dataclass(frozen=True, kw_only=True)
class BackendSettings:
    """The S3 bucket of the Pulumi state and the key of its secrets, which the GitHub roles then may use."""

    bucket: str
    kms_key_arn: str | None


@dataclass(frozen=True, kw_only=True)
class VerificationSettings:
    passes: int  # consecutive answers of the health path through the balancer
    timeout_seconds: int


def region(config: Section, default: str) -> str:
    return config.text("region", default, r"[a-z]{2}(-[a-z]+)+-\d", f"an AWS region such as {default}")


def account_id(config: Section) -> str | None:
    return config.optional_text("accountId", r"\d{12}", "an account number of 12 digits, in quotes")


def name(config: Section, default: str) -> str:
    right = f"a name of at most {LONGEST_NAME} letters, digits and single hyphens that begins with a letter"
    name = config.text("name", default, rf"(?=.{{1,{LONGEST_NAME}}}$)[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*", right)
    if re.match(r"aws|ssm|internal-", name, re.IGNORECASE):
        config.refuse("name", f"is {name}, but AWS keeps names that begin with aws, ssm or internal- to itself")
    return name


def repository(config: Section, default: str) -> str:
    return config.text("repository", default, r"[a-z0-9]+([._/-][a-z0-9]+)*", "a repository name in lower case")


def vpc_id(config: Section) -> str | None:
    return config.optional_text("vpcId", r"vpc-[0-9a-f]+", "the id of a VPC such as vpc-0a1b2c3d")


def domain(config: Section, key: str = "domain") -> str | None:
    return config.optional_text(
        key, r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}", "a host name such as live.example.com"
    )


def certificate_arn(config: Section, region: str) -> str | None:
    return config.optional_text(
        "certificateArn",
        rf"arn:aws[a-z-]*:acm:{region}:\d{{12}}:certificate/[\w-]+",
        f"the ARN of an ACM certificate of region {region}",
    )


def image(section: Section, key: str, default: str) -> str:
    """Of a container that is not the application's."""
    right = "an image such as nginx:1.25-alpine, or registry/<name>:<tag> for one of the stack's own registry"
    return section.text(key, default, r"[a-z0-9][\w./:-]*[\w](@sha256:[0-9a-f]{64})?", right)


def email(section: Section) -> str:
    return section.text("email", None, r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address")


def health_path(config: Section) -> str:
    return config.text(  # it also stands in a shell command: no quote, backtick, $ or backslash
        "healthPath",
        "/health/",
        r"/((?!['\"`$\\])[!-~]){0,1023}",
        "a path that begins with / such as /health/, without quotes, backticks, $ and backslashes",
    )


def verification(config: Section, timeout_seconds: int = 600) -> VerificationSettings:
    verification = config.section("verification", VerificationSettings)
    return VerificationSettings(
        passes=verification.integer("passes", 3, 1, 100),
        timeout_seconds=verification.integer("timeoutSeconds", timeout_seconds, 30, 3600),
    )


def topic_arn(alarms: Section, region: str) -> str | None:
    return alarms.optional_text(
        "topicArn", rf"arn:aws[a-z-]*:sns:{region}:\d{{12}}:[\w-]+", f"the ARN of an SNS topic of region {region}"
    )


def image_tag(config: Section) -> str | None:
    right = "a tag of the registry such as v1 or a commit's sha: letters, digits, _ . -, at most 128, in quotes"
    tag = config.optional_text("imageTag", r"\w[\w.-]{0,127}", right)
    if tag in MOVING_TAGS:
        config.refuse("imageTag", f"is {tag}, which names no release; name the tag that was built for it")
    return tag


SUBNETS_OF_A_VPC = ("vpcId", "subnetIds", "subnets are of a VPC")


def check_pairs(config: Section, *pairs: tuple[str, str, str]) -> None:
    """Keys that mean nothing without, or next to, another one; a pair says why."""
    for one, other, why in (*pairs, SUBNETS_OF_A_VPC):
        for present, absent in ((one, other), (other, one)):
            if config.has(present) and not config.has(absent):
                config.refuse(absent, f"is missing, but {present} is set: {why}, so set both or none")
    for key in ("vpcCidr", "availabilityZones"):
        if config.has("vpcId") and config.has(key):
            config.refuse(key, "is set next to vpcId: it is for a VPC of the stack's own, so take one away")


def subnet_ids(config: Section) -> tuple[str, ...]:
    right = "a list of at least two different subnet ids in different zones such as [subnet-0a1b, subnet-2c3d]"
    subnets = config.texts("subnetIds", r"subnet-[0-9a-f]+", right)
    if config.has("subnetIds") and len(set(subnets)) < max(2, len(subnets)):
        config.expect("subnetIds", right)
    return subnets


def vpc_cidr(config: Section, default: str) -> str:
    right = f"an IPv4 network from /16 to /26 without host bits such as {default}"
    text = config.text("vpcCidr", default, r"[\d./]+", right)
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError:
        config.expect("vpcCidr", right)
    if not 16 <= network.prefixlen <= 26:  # AWS ends at /28, and a balancer wants subnets of /27 or more
        config.expect("vpcCidr", right)
    return str(network)


def availability_zones(config: Section, region: str) -> tuple[str, ...]:
    right = f"a list of two zones of region {region} such as [{region}a, {region}c]"
    zones = config.texts("availabilityZones", rf"{region}[a-z]", right)
    if config.has("availabilityZones") and len(set(zones)) != 2:
        config.expect("availabilityZones", right)
    return zones or (f"{region}a", f"{region}b")


def fargate_size(config: Section) -> dict[str, int]:
    """CPU units and MiB, a pair that Fargate offers."""
    sizes = ", ".join(str(cpu) for cpu in FARGATE_MEMORY)
    cpu, memory = config.integer("cpu", 256, 1, 2**20), config.integer("memory", 512, 1, 2**20)
    if cpu not in FARGATE_MEMORY:
        config.expect("cpu", f"one of Fargate's sizes: {sizes}")
    if memory not in FARGATE_MEMORY[cpu]:
        first, second, *_, last = FARGATE_MEMORY[cpu]
        step = f"{first} to {last} in steps of {second - first}" if cpu > 256 else "512, 1024 or 2048"
        problem = f"is {memory}" if config.has("memory") else f"is missing and would be {memory}"
        config.refuse("memory", f"{problem}, but must be {step} MiB next to cpu {cpu}")
    return {"cpu": cpu, "memory": memory}


def _wrong_variable(name: str) -> str | None:
    return None if re.fullmatch(r"[A-Za-z_]\w*", name) else "is not the name of an environment variable"


def wrong_setting(name: str, value: str) -> str | None:
    if not 1 <= len(value) <= 4096:
        return f"has {len(value)} characters, but SSM keeps 1 to 4096"
    return _wrong_variable(name)


def _wrong_secret(name: str, value: str) -> str | None:
    if not re.fullmatch(r"/[\w./-]+", value):  # the value is not shown: somebody may have put the secret itself here
        return "must be the name of an SSM parameter such as /LiveInsight/prod/SECRET_KEY, never the secret itself"
    return _wrong_variable(name)


def secret_names(config: Section) -> dict[str, str]:
    secrets = config.mapping("secrets", _wrong_secret, "a map of variable names to names of SSM parameters")
    settings = config.mapping("settings", wrong_setting, "a map of variable names to texts")
    for name in secrets:
        if name in settings:
            config.refuse(f"settings.{name}", "is also under secrets: a variable has one source")
    return secrets


def log_retention_days(config: Section) -> int:
    days = config.integer("logRetentionDays", 30, 1, 3653)
    if days not in LOG_RETENTION_DAYS:
        config.expect("logRetentionDays", f"one of CloudWatch's periods: {', '.join(map(str, LOG_RETENTION_DAYS))}")
    return days


def github(config: Section) -> GithubSettings:
    github = config.section("github", GithubSettings)
    repository = github.text("repository", None, r"[\w.-]+/[\w.-]+", "the releasing repository as org/repository")
    if github.has("branch") and github.has("environment"):
        github.refuse(
            "branch", "is set next to environment, but a run's token then names the environment only: take one away"
        )
    keys = ("organizationId", "repositoryId")
    ids = {key: github.optional_text(key, r"\d+", "GitHub's number of it, in quotes") for key in keys}
    for present, absent in (keys, keys[::-1]):
        if ids[present] and not ids[absent]:
            github.refuse(absent, f"is missing, but {present} is set: the token's subject holds both")
    environment = github.optional_text("environment", r"[\w.-]+", "the name of a GitHub environment")
    branch = github.text("branch", "main", r"[\w./-]+", "the name of one branch")
    return GithubSettings(
        repository=repository,
        branch=None if environment else branch,
        environment=environment,
        organization_id=ids["organizationId"],
        repository_id=ids["repositoryId"],
    )


def backend(config: Section) -> BackendSettings:
    backend = config.section("backend", BackendSettings)
    return BackendSettings(
        bucket=backend.text("bucket", None, r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of an S3 bucket"),
        kms_key_arn=backend.optional_text(
            "kmsKeyArn", r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[\w-]+", "the ARN of a KMS key (not of an alias)"
        ),
    )
