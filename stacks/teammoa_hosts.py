"""What TeamMoa's hosts are, may do, and run: the arguments of its machines and of their Compose projects."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi_aws import ssm

from components import policies_fleet
from components.arns import Arns
from components.balancer import Balancer
from components.compose import DataProject as DataServices
from components.compose import WebProject, data_compose, own_repository, web_compose
from components.data_host import DataHost, DataHostArgs
from components.fleet import ExistingHosts, Fleet, FleetArgs, NewHosts
from components.host_access import HostAccess
from components.instance_role import InstanceRole, InstanceRoleArgs
from components.naming import Names
from components.network import Network
from components.nginx import nginx_conf
from components.policies_fleet import HostRights
from components.registry import Registry
from components.release.data_project import DataProjectArgs
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


def fleet(settings: TeamMoaSettings, place: Place, balancer: Balancer) -> FleetArgs:
    names = place.names
    source: NewHosts | ExistingHosts
    if settings.security_group_id:
        source = ExistingHosts(
            names=host_names(settings.host_count),
            instance_ids=settings.instance_ids,
            security_group_id=settings.security_group_id,
        )
    else:
        images = (own_repository(settings.nginx_image),)
        rights = HostRights(
            parameters=sorted(web_variables(settings, names).values()),
            repositories=[settings.repository, *(name for name in images if name)],
            agent=settings.access.method == "ssm",
        )
        source = NewHosts(
            names=host_names(settings.host_count),
            image_id=place.image_id,
            instance_type=settings.instance_type,
            volume_size=settings.volume_size,
            profile=_profile("hosts", names.hosts, "the hosts that serve", rights, place),
            user_data=_first_boot(settings, names),
            protected=False,  # a host that serves holds nothing: another one takes its place
        )
    return FleetArgs(names=names, network=place.network, balancer=balancer, port=PORT, source=source)


def data_host(settings: TeamMoaSettings, place: Place, serving: Fleet, backup_bucket: str) -> DataHostArgs:
    names = place.names
    images = (own_repository(settings.data.database_image), own_repository(settings.data.redis_image))
    rights = HostRights(
        parameters=sorted(set(data_variables(settings, names).values())),
        repositories=[name for name in images if name],
        agent=settings.access.method == "ssm",
        backup_bucket=backup_bucket,
        backup_prefix=BACKUP_PREFIX,
    )
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
    settings: TeamMoaSettings, names: Names, data: DataHost, registry: Registry, bucket: pulumi.Input[str]
) -> DataProjectArgs:
    services = DataServices(
        project=DATA_PROJECT, database_image=settings.data.database_image, redis_image=settings.data.redis_image
    )
    return DataProjectArgs(
        host=data.host,
        security_group_id=data.security_group_id,
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
    nginx = nginx_conf(port=PORT, health_path=settings.health_path)
    project = WebProject(
        project=WEB_PROJECT,
        port=PORT,
        nginx_image=settings.nginx_image,
        directory=WEB_DIRECTORY,
        check_seconds=settings.rolling.health_interval_seconds,
        check_timeout=settings.health_check.timeout_seconds,
        check_retries=settings.health_check.unhealthy_threshold,
        settings_fingerprint=fingerprint,
    )
    return registry.url.apply(lambda url: web_compose(project, url)), nginx


def found_by_hosts(settings: TeamMoaSettings, data: DataHost | None) -> dict[str, pulumi.Input[str]]:
    """What the application is told about where its data lives."""
    if data is not None:
        return {"DB_HOST": data.address, "REDIS_HOST": data.address}
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
