"""The arguments of photo-api's components, from its settings."""

from components.openstack_access import OpenStackAccess
from components.release.bake_args import Agents, Application, BakeArgs, BakePatience, Python
from components.release.bake_run import RunPlace
from components.release.image_test import Checks, ImageTestArgs, PromotionArgs
from components.release.step import Step
from stacks.photo_api_plan import Plan
from stacks.photo_api_recipe import recipe
from stacks.photo_api_settings import PhotoApiSettings

__all__ = ["Step", "access", "bake", "test"]

SYSTEM = "photo-api"
SIMPLE = ("services", "health", "leftovers")
DETAILED = ("root", "metrics")


def access(settings: PhotoApiSettings) -> OpenStackAccess:
    return OpenStackAccess(
        auth_url=settings.auth_url,
        region=settings.region,
        user=settings.user_name,
        tenant_id=settings.tenant_id,
        project_name=settings.project_name,
        user_domain=settings.user_domain,
        project_domain=settings.project_domain,
    )


def place(settings: PhotoApiSettings) -> RunPlace:
    return RunPlace(
        access=access(settings),
        flavor=settings.flavor,
        network=settings.network,
        pool=settings.floating_network,
        volume_gb=settings.volume_size_gb or None,
        availability_zone=settings.availability_zone,
        user=settings.login_user,
        runner_cidr=settings.runner_cidr,
        address_url=settings.address_url,
        sweep_hours=settings.sweep_hours,
        skip_cleanup=settings.skip_cleanup,
        cleanup_seconds=settings.timeouts.cleanup,
        cache=settings.cache,
    )


def bake(settings: PhotoApiSettings, planned: Plan) -> BakeArgs:
    timeouts = settings.timeouts
    return BakeArgs(
        kind=f"{SYSTEM}-{settings.kind}",
        place=place(settings),
        base_image=planned.base_image,
        recipe=planned.recipe,
        properties={
            "bake_commit": planned.commit,
            "bake_requirements": planned.requirements,
            "bake_base": planned.base_image,
        },
        application=application(settings),
        python=python(settings),
        packages=settings.packages,
        agents=agents(settings),
        disk_format=settings.disk_format,
        tags=settings.tags,
        secrets=settings.secrets,
        artifacts=settings.artifacts,
        patience=BakePatience(
            boot=timeouts.boot,
            install=timeouts.install,
            health=timeouts.health,
            health_interval=timeouts.health_interval,
            stop=timeouts.stop,
            image=timeouts.image,
        ),
    )


def application(settings: PhotoApiSettings) -> Application | None:
    if settings.kind == "base":
        return None
    return Application(
        source=settings.source,
        excludes=settings.excludes,
        app=settings.app,
        port=settings.port,
        health_path=settings.health_path,
    )


def python(settings: PhotoApiSettings) -> Python:
    is_base = settings.kind == "base"
    return Python(
        version=settings.python,
        requirements="" if is_base else f"{settings.source}/{settings.requirements}",
        platforms=",".join(settings.platforms),
        index_url=settings.index_url,
        offline=settings.offline_packages and not is_base,
    )


def agents(settings: PhotoApiSettings) -> Agents:
    return Agents(
        log_agent=settings.log_agent.kind,
        log_agent_version=settings.log_agent.version,
        log_agent_sha256=settings.log_agent.sha256,
        log_url=settings.log_agent.url,
        node_exporter=settings.node_exporter.version,
        node_exporter_sha256=settings.node_exporter.sha256,
        mirror=settings.mirror,
    )


def test(settings: PhotoApiSettings, image: str) -> ImageTestArgs:
    looked_at = checks(settings) if settings.test_server else None
    return ImageTestArgs(
        kind=f"{SYSTEM}-test",
        place=place(settings),
        image=image,
        recipe=recipe({}, {"image": image, "checks": looked_at.environment() if looked_at else {}}),
        checks=looked_at,
        promotion=PromotionArgs(visibility=settings.visibility, keep_images=settings.keep_images)
        if settings.promote
        else None,
        secrets=settings.secrets,
        artifacts=settings.artifacts,
    )


def checks(settings: PhotoApiSettings) -> Checks:
    """Those that the profile asks for, of what the image carries."""
    names = [*SIMPLE, *(DETAILED if settings.detailed_checks else ())]
    if settings.detailed_checks and settings.node_exporter.enabled:
        names.append("node_exporter")
    if settings.detailed_checks and settings.log_agent.kind != "none":
        names.append("log_agent")
    if settings.time_check:
        names.append("time")
    return Checks(
        names=tuple(names),
        port=settings.port,
        health_path=settings.health_path,
        health_seconds=settings.timeouts.health,
        health_interval=settings.timeouts.health_interval,
        node_exporter=settings.node_exporter.version,
        log_agent=settings.log_agent.kind,
        metrics=settings.metrics,
        boot_seconds=settings.timeouts.boot,
    )
