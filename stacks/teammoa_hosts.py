"""What TeamMoa's hosts are, may do, and run: the arguments of its machines and of their Compose projects."""

from dataclasses import dataclass, replace

import pulumi
import pulumi_aws as aws
from pulumi_aws import ssm

from components import policies_fleet
from components.arns import Arns
from components.balancer import Balancer
from components.compose import DataProject as DataServices
from components.compose import WebProject, data_compose, own_repository, resolved, web_compose
from components.data_host import DataHost, DataHostArgs
from components.fleet import ExistingHosts, Fleet, FleetArgs, NewHosts
from components.host_access import HostAccess
from components.instance_role import InstanceRole, InstanceRoleArgs
from components.naming import Names
from components.network import Network
from components.nginx import nginx_conf, single_nginx_conf
from components.policies_fleet import HostRights
from components.registry import Registry
from components.release.data_project import DataProjectArgs
from components.release.rolling import FleetHost, OwnCertificate
from components.user_data import FirstBoot, user_data
from stacks.teammoa_settings import TeamMoaSettings, host_names

PORT = 8000  # the document's: of the target group, of a host, of the application
WEB_PROJECT, WEB_DIRECTORY = "teammoa", "/opt/teammoa"
DATA_PROJECT, DATA_DIRECTORY = "teammoa-data", "/opt/teammoa-data"
BACKUP_PREFIX = "mysql/"
DATA_SECONDS = 900  # for a first boot, the images, and a database that makes itself
# What MySQL's image asks for, and which of the application's variables says it.
MYSQL = {
    "MYSQL_DATABASE": "DB_NAME",
    "MYSQL_USER": "DB_USER",
    "MYSQL_PASSWORD": "DB_PASSWORD",
    "MYSQL_ROOT_PASSWORD": "DB_PASSWORD",
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where hosts are made, and from what."""

    names: Names
    arns: Arns
    network: Network
    image_id: pulumi.Input[str]
    options: pulumi.ResourceOptions


@dataclass(frozen=True, kw_only=True)
class Keeper:
    """The host that keeps the data: one of its own, or the one that serves."""

    host: FleetHost
    security_group_id: pulumi.Input[str]


def access(settings: TeamMoaSettings, names: Names) -> HostAccess:
    return HostAccess(
        method=settings.access.method,
        user=settings.access.user,
        key_parameter=names.ssh_key,
        host_keys_prefix=names.host_keys,
    )


def image_id(settings: TeamMoaSettings, provider: aws.Provider) -> pulumi.Input[str]:
    """The AMI of hosts that are made from now on."""
    if settings.ami:
        return settings.ami
    named = ssm.get_parameter_output(
        name=settings.ami_parameter, opts=pulumi.InvokeOutputOptions(provider=provider)
    ).insecure_value
    return pulumi.Output.unsecret(named)


def fleet(settings: TeamMoaSettings, place: Place, balancer: Balancer | None, backup_bucket: str) -> FleetArgs:
    names = place.names
    source: NewHosts | ExistingHosts
    if settings.security_group_id:
        source = ExistingHosts(
            names=host_names(settings.host_count),
            instance_ids=settings.instance_ids,
            security_group_id=settings.security_group_id,
        )
    else:
        source = NewHosts(
            names=host_names(settings.host_count),
            image_id=place.image_id,
            instance_type=settings.instance_type,
            volume_size=settings.volume_size,
            profile=_profile(
                "hosts", names.hosts, "the hosts that serve", _web_rights(settings, names, backup_bucket), place
            ),
            user_data=_first_boot(settings, names),
            # A host that only serves holds nothing: another one takes its place.
            protected=settings.data.mode == "same" and settings.deletion_protection,
        )
    return FleetArgs(names=names, network=place.network, balancer=balancer, port=PORT, source=source)


def _web_rights(settings: TeamMoaSettings, names: Names, backup_bucket: str) -> HostRights:
    """Of a host that serves; where the data lies beside the application, of one that keeps it too."""
    web = HostRights(
        parameters=sorted(web_variables(settings, names).values()),
        repositories=[settings.repository, *_own(settings.nginx_image, *_certbot(settings))],
        agent=settings.access.method == "ssm",
    )
    if settings.data.mode != "same":
        return web
    data = _data_rights(settings, names, backup_bucket)
    return replace(
        data,
        parameters=sorted({*web.parameters, *data.parameters}),
        repositories=[*web.repositories, *data.repositories],
    )


def _data_rights(settings: TeamMoaSettings, names: Names, backup_bucket: str) -> HostRights:
    return HostRights(
        parameters=sorted(set(data_variables(settings, names).values())),
        repositories=_own(settings.data.database_image, settings.data.redis_image),
        agent=settings.access.method == "ssm",
        backup_bucket=backup_bucket,
        backup_prefix=BACKUP_PREFIX,
    )


def _own(*images: str) -> list[str]:
    """The repositories of those images that lie in the stack's own registry."""
    return [name for name in map(own_repository, images) if name]


def _certbot(settings: TeamMoaSettings) -> list[str]:
    return [settings.lets_encrypt.image] if settings.lets_encrypt else []


def data_host(settings: TeamMoaSettings, place: Place, serving: Fleet, backup_bucket: str) -> DataHostArgs:
    names = place.names
    rights = _data_rights(settings, names, backup_bucket)
    return DataHostArgs(
        names=names,
        network=place.network,
        clients_group_id=serving.security_group_id,
        image_id=place.image_id,
        instance_type=settings.data.instance_type,
        volume_size=settings.data.volume_size,
        profile=_profile("data", names.data_host, "the host that keeps the data", rights, place),
        user_data=_first_boot(settings, names),
        protected=settings.deletion_protection,
    )


def data_project(
    settings: TeamMoaSettings, names: Names, keeper: Keeper, registry: Registry, bucket: pulumi.Input[str]
) -> DataProjectArgs:
    services = DataServices(
        project=DATA_PROJECT,
        database_image=settings.data.database_image,
        redis_image=settings.data.redis_image,
        network=_data_network(settings),
    )
    return DataProjectArgs(
        host=keeper.host,
        security_group_id=keeper.security_group_id,
        access=access(settings, names),
        compose=registry.url.apply(lambda url: data_compose(services, url)),
        variables=data_variables(settings, names),
        backup_schedule=settings.backup.schedule,
        backup_bucket=bucket,
        backup_prefix=BACKUP_PREFIX,
        region=settings.region,
        project=DATA_PROJECT,
        directory=DATA_DIRECTORY,
        timeout_seconds=DATA_SECONDS,
    )


def web_texts(settings: TeamMoaSettings, registry: Registry, fingerprint: str) -> tuple[pulumi.Output[str], str]:
    """compose.yaml and nginx.conf of the hosts that serve."""
    nginx = _nginx(settings)
    project = WebProject(
        project=WEB_PROJECT,
        port=PORT,
        nginx_image=settings.nginx_image,
        directory=WEB_DIRECTORY,
        check_seconds=settings.rolling.health_interval_seconds,
        check_timeout=settings.health_check.timeout_seconds,
        check_retries=settings.health_check.unhealthy_threshold,
        settings_fingerprint=fingerprint,
        single=not settings.balancer,
        data_network=_data_network(settings),
    )
    return registry.url.apply(lambda url: web_compose(project, url)), nginx


def _nginx(settings: TeamMoaSettings) -> str:
    if settings.balancer:
        return nginx_conf(port=PORT, health_path=settings.health_path)
    given = settings.lets_encrypt
    certificate = f"{settings.domain} by {given.server}, {given.email}" if given else ""
    return single_nginx_conf(port=PORT, health_path=settings.health_path, certificate=certificate)


def certificate(settings: TeamMoaSettings, registry: Registry) -> OwnCertificate | None:
    """Of a host that the internet asks itself by a name."""
    given = settings.lets_encrypt
    if given is None or settings.domain is None:
        return None
    return OwnCertificate(
        domain=settings.domain,
        email=given.email,
        server=given.server,
        image=registry.url.apply(lambda url: resolved(given.image, url)),
    )


def _data_network(settings: TeamMoaSettings) -> str | None:
    return DATA_PROJECT if settings.data.mode == "same" else None


def found_by_hosts(settings: TeamMoaSettings, data: DataHost | None) -> dict[str, pulumi.Input[str]]:
    """What the application is told about where its data lives."""
    if data is not None:
        return {"DB_HOST": data.address, "REDIS_HOST": data.address}
    if settings.data.mode == "same":
        return {"DB_HOST": "database", "REDIS_HOST": "redis"}  # the services' names in their network
    return {"DB_HOST": str(settings.data.database_host), "REDIS_HOST": str(settings.data.redis_host)}


def web_variables(settings: TeamMoaSettings, names: Names) -> dict[str, str]:
    """Variable → SSM parameter, of the application; known before anything exists."""
    kept = (*settings.settings, "DB_HOST", "REDIS_HOST")
    return {variable: names.parameter(variable) for variable in kept} | settings.secrets


def data_variables(settings: TeamMoaSettings, names: Names) -> dict[str, str]:
    web = web_variables(settings, names)
    return {variable: web[said_by] for variable, said_by in MYSQL.items()}


def _first_boot(settings: TeamMoaSettings, names: Names) -> str:
    return user_data(
        FirstBoot(
            region=settings.region,
            user=settings.access.user,
            ssh_key=names.ssh_key,
            host_keys_prefix=names.host_keys,
        )
    )


def _profile(role: str, role_name: str, about: str, rights: HostRights, place: Place) -> pulumi.Output[str]:
    policy = policies_fleet.host_policy(place.arns, rights)
    arguments = InstanceRoleArgs(role_name=role_name, about=f"{place.names.base}: {about}", policy=policy)
    return InstanceRole(f"{WEB_PROJECT}-{role}", arguments, place.options).profile
