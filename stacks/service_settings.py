"""What every web service on AWS is told: the settings that more than one system has under the same names."""

from dataclasses import dataclass, field
from typing import Any

from stacks import shared_settings as shared
from stacks.config_reader import Section


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    environment: str = field(metadata={"program": True})  # the stack name's second half
    image_tag: str | None  # None = what the stack released last
    region: str
    account_id: str | None  # a guard against the wrong account's credentials
    name: str
    repository: str
    vpc_id: str | None
    subnet_ids: tuple[str, ...]
    vpc_cidr: str
    availability_zones: tuple[str, ...]
    domain: str | None
    certificate_arn: str | None
    health_path: str
    deregistration_delay_seconds: int
    settings: dict[str, str]  # variable → value
    secrets: dict[str, str]  # variable → name of an SSM SecureString that exists
    verification: shared.VerificationSettings
    github: shared.GithubSettings
    deletion_protection: bool
    create_oidc_provider: bool
    keep_images: int
    backend: shared.BackendSettings | None


def read(
    environment: str, config: Section, *, region: str, name: str, repository: str, vpc_cidr: str
) -> dict[str, Any]:
    """The fields of `ServiceSettings`; the arguments by name are the system's defaults."""
    where = shared.region(config, region)
    return {
        "environment": environment,
        "image_tag": shared.image_tag(config),
        "region": where,
        "account_id": shared.account_id(config),
        "name": shared.name(config, name),
        "repository": shared.repository(config, repository),
        "vpc_id": shared.vpc_id(config),
        "subnet_ids": shared.subnet_ids(config),
        "vpc_cidr": shared.vpc_cidr(config, vpc_cidr),
        "availability_zones": shared.availability_zones(config, where),
        "domain": shared.domain(config),
        "certificate_arn": shared.certificate_arn(config, where),
        "health_path": shared.health_path(config),
        "deregistration_delay_seconds": config.integer("deregistrationDelaySeconds", 300, 0, 3600),
        "secrets": shared.secret_names(config),
        "settings": config.mapping("settings", shared.wrong_setting, "a map of variable names to texts"),
        "verification": shared.verification(config),
        "github": shared.github(config),
        "deletion_protection": config.flag("deletionProtection", False),
        "create_oidc_provider": config.flag("createOidcProvider", True),
        "keep_images": config.integer("keepImages", 30, 2, 1000, "at least the last release and this one"),
        "backend": shared.backend(config) if config.has("backend") else None,
    }
