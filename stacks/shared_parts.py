"""Parts that more than one system declares alike, from settings that have the same names in each."""

from typing import Protocol

import pulumi
import pulumi_aws as aws

from components import policies
from components.arns import Arns
from components.identity import IdentityArgs
from components.naming import Names, default_tags
from components.network import ExistingNetwork, NetworkArgs, OwnNetwork
from components.records import RecordsArgs
from components.registry import RegistryArgs
from stacks.service_settings import ServiceSettings


class PlaceSettings(Protocol):
    """Where a system lives."""

    @property
    def environment(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def account_id(self) -> str | None: ...


def provider(system: str, settings: PlaceSettings) -> aws.Provider:
    return aws.Provider(
        "aws",
        region=settings.region,
        allowed_account_ids=[settings.account_id] if settings.account_id else None,
        default_tags=aws.ProviderDefaultTagsArgs(tags=default_tags(system, settings.environment)),
    )


def account(provider: aws.Provider) -> str:
    """Whose credentials these are; ends the program with one sentence when AWS does not tell."""
    try:
        return aws.get_caller_identity(opts=pulumi.InvokeOptions(provider=provider)).account_id
    except Exception as error:  # the SDK raises no narrower one
        reason = str(error).rpartition("getCallerIdentity: ")[2]
        raise pulumi.RunError(f"AWS does not tell whose account this is: {reason}") from None


def arns(settings: ServiceSettings, names: Names, provider: aws.Provider) -> Arns:
    """The system's ARNs."""
    return Arns(account=account(provider), region=settings.region, names=names, repository_name=settings.repository)


def network(settings: ServiceSettings) -> NetworkArgs:
    if settings.vpc_id:
        existing = ExistingNetwork(vpc_id=settings.vpc_id, subnet_ids=settings.subnet_ids)
        return NetworkArgs(base_name=settings.name, source=existing)
    own = OwnNetwork(cidr=settings.vpc_cidr, zones=settings.availability_zones)
    return NetworkArgs(base_name=settings.name, source=own)


def registry(settings: ServiceSettings) -> RegistryArgs:
    return RegistryArgs(
        repository=settings.repository,
        keep_images=settings.keep_images,
        deletable=not settings.deletion_protection,
    )


def records(settings: ServiceSettings, names: Names) -> RecordsArgs:
    return RecordsArgs(table=names.table, deletion_protection=settings.deletion_protection)


def backend(settings: ServiceSettings) -> policies.Backend | None:
    state = settings.backend
    return policies.Backend(bucket=state.bucket, kms_key_arn=state.kms_key_arn) if state else None


def identity(
    settings: ServiceSettings,
    names: Names,
    arns: Arns,
    *,
    release_policy: pulumi.Input[policies.Document],
    preview_policy: pulumi.Input[policies.Document],
) -> IdentityArgs:
    github = settings.github
    return IdentityArgs(
        arns=arns,
        release_role=names.release_role,
        preview_role=names.preview_role,
        repository=github.repository,
        claim=f"environment:{github.environment}" if github.environment else f"ref:refs/heads/{github.branch}",
        organization_id=github.organization_id,
        repository_id=github.repository_id,
        release_policy=release_policy,
        preview_policy=preview_policy,
        create_provider=settings.create_oidc_provider,
    )
