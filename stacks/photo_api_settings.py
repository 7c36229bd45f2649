"""photo-api's settings. Three kinds of stack share them; a key that a kind does not read is refused."""

from dataclasses import dataclass, field
from typing import Any

from stacks.config_reader import ConfigError, Section
from stacks.photo_api_stages import (
    LogAgentSettings,
    NodeExporterSettings,
    TimeoutSettings,
    read_stages,
    read_timeouts,
)

KINDS = ("base", "bake", "test")
# Which kinds read a key; what is not here, all read.
READ_BY = {
    **dict.fromkeys(("source", "excludes", "requirements", "app", "indexUrl", "platforms"), ("bake",)),
    **dict.fromkeys(("python", "packages", "mirror", "baseImage", "diskFormat", "tags"), ("base", "bake")),
    **dict.fromkeys(("image", "bakeStack", "retest", "promote", "metrics"), ("test",)),
    **dict.fromkeys(("visibility", "keepImages"), ("base", "test")),
    **dict.fromkeys(("port", "healthPath", "secrets"), ("bake", "test")),
}
NAME = r"[\w. ()+-]+"
VARIABLE = r"[A-Za-z_]\w*"
PATH = r"[\w./~-]+"
ADDRESS = r"https?://[^\s]+"
RIGHT_BASE = "an image's name or id, or a stack such as photo-api.base"


@dataclass(frozen=True, kw_only=True)
class PhotoApiSettings:
    environment: str = field(metadata={"program": True})  # the stack name's second half
    kind: str = field(metadata={"program": True})  # base, bake or test
    # who, and where
    auth_url: str
    region: str
    user_name: str
    tenant_id: str | None
    project_name: str | None
    user_domain: str
    project_domain: str
    flavor: str
    network: str
    floating_network: str
    volume_size_gb: int  # 0: the flavor has a local disk
    availability_zone: str | None
    login_user: str
    runner_cidr: str | None
    address_url: str
    # how
    profile: str
    offline_packages: bool
    log_agent: LogAgentSettings
    node_exporter: NodeExporterSettings
    test_server: bool
    time_check: bool
    detailed_checks: bool
    skip_cleanup: bool
    sweep_hours: float
    cache: str
    artifacts: str
    timeouts: TimeoutSettings
    # what goes into an image
    source: str
    excludes: tuple[str, ...]
    requirements: str
    app: str
    port: int
    health_path: str
    python: str
    packages: tuple[str, ...]
    platforms: tuple[str, ...]
    index_url: str
    mirror: str
    base_image: str
    disk_format: str
    tags: tuple[str, ...]
    secrets: dict[str, str]
    # what is tested and promoted
    image: str | None
    bake_stack: str | None
    retest: bool
    promote: bool
    metrics: tuple[str, ...]
    visibility: str
    keep_images: int


def read(environment: str, config: Section) -> PhotoApiSettings:
    kind = environment.partition("-")[0]
    if kind not in KINDS:
        raise ConfigError(f"stack 'photo-api.{environment}' must begin with one of {', '.join(KINDS)} after its dot")
    for key, kinds in READ_BY.items():
        if config.has(key) and kind not in kinds:
            config.refuse(key, f"is read by {' and '.join(f'photo-api.{one}' for one in kinds)} only")
    v2 = config.text("authUrl", None, ADDRESS, "the address of the identity service").rstrip("/").endswith("/v2.0")
    settings = PhotoApiSettings(
        environment=environment,
        kind=kind,
        auth_url=config.text("authUrl", None, ADDRESS, "the address of the identity service"),
        region=config.text("region", None, r"[\w.-]+", "a region such as KR1"),
        user_name=config.text("userName", None, r"\S+", "the user of the API, on NHN Cloud an e-mail address"),
        tenant_id=config.optional_text("tenantId", r"[\w-]+", "the id of the tenant"),
        project_name=config.optional_text("projectName", NAME, "the name of the project"),
        user_domain=config.text("userDomain", "Default", NAME, "the name of the user's domain"),
        project_domain=config.text("projectDomain", "Default", NAME, "the name of the project's domain"),
        flavor=config.text("flavor", None, NAME, "the name of a flavor such as m2.c2m4"),
        network=config.text("network", None, NAME, "the name or id of a network"),
        floating_network=config.text("floatingNetwork", None, NAME, "the name or id of the floating IPs' network"),
        volume_size_gb=config.integer("volumeSizeGb", 20, 0, 2000, "0: the flavor has a local disk"),
        availability_zone=config.optional_text("availabilityZone", r"[\w.-]+", "the name of a zone"),
        login_user=config.text("loginUser", "ubuntu", r"[a-z_][a-z0-9_-]*", "the user that the image lets in"),
        runner_cidr=config.optional_text("runnerCidr", r"[\d.]+/\d+", "a CIDR such as 198.51.100.7/32"),
        address_url=config.text("addressUrl", "https://checkip.amazonaws.com", ADDRESS, "an address that tells it"),
        **vars(read_stages(config)),
        skip_cleanup=config.flag("skipCleanup", False),
        sweep_hours=float(config.text("sweepHours", "6", r"\d+(\.\d+)?", "a number of hours")),
        cache=config.text("cache", "~/.cache/infra-release", PATH, "a directory"),
        artifacts=config.text("artifacts", "artifacts", PATH, "a directory"),
        timeouts=read_timeouts(config),
        **_content(config),
        **_promotion(config, kind),
    )
    if v2 and settings.tenant_id is None:
        config.expect("tenantId", "the id of the tenant, because authUrl is of identity v2.0")
    if settings.tenant_id is None and settings.project_name is None:
        config.expect("projectName", "the name of the project, where there is no tenantId")
    return settings


def _content(config: Section) -> dict[str, Any]:
    """What goes into an image; a base image holds no application."""
    return {
        "source": config.text("source", "photo-api", PATH, "the directory of the application's git work tree"),
        "excludes": config.texts("excludes", r"[^,]+", "a list of globs such as tests/*"),
        "requirements": config.text("requirements", "requirements.txt", PATH, "a file below source"),
        "app": config.text("app", "app.main:app", r"[\w.]+:\w+", "module:application such as app.main:app"),
        "port": config.integer("port", 8000, 1, 65535),
        "health_path": config.text("healthPath", "/health", r"/\S*", "a path such as /health"),
        "python": config.text("python", "3.11", r"3\.\d+", "a version such as 3.11"),
        "packages": config.texts("packages", r"[a-z0-9][a-z0-9.+-]*", "a list of Debian packages") or ("python3.11",),
        "platforms": config.texts("platforms", r"\w+", "a list of wheel platforms such as manylinux2014_x86_64"),
        "index_url": config.text("indexUrl", "", rf"({ADDRESS})?", "the address of a package index"),
        "mirror": config.text("mirror", "", rf"({ADDRESS})?", "an address in front of github.com's releases"),
        "base_image": config.text(
            "baseImage", "", f"({NAME})?", "an image's name or id, or a stack such as photo-api.base"
        ),
        "disk_format": config.text("diskFormat", "raw", "raw|qcow2", "raw or qcow2"),
        "tags": config.texts("tags", r"[^_,][^,]*", "a list of tags, none beginning with _ (the cloud's own)"),
        "secrets": config.mapping("secrets", _wrong_variable, "a map of variable to the runner's variable"),
    }


def _promotion(config: Section, kind: str) -> dict[str, Any]:
    image = config.optional_text("image", r"[0-9a-f-]{32,36}", "the id of an image")
    bake_stack = config.optional_text("bakeStack", r"photo-api\.bake[a-z0-9-]*", "a stack such as photo-api.bake")
    if kind == "test" and (image is None) == (bake_stack is None):
        config.expect("image", "the id of an image where there is no bakeStack, and absent where there is one")
    if kind != "test":
        config.text("baseImage", None, NAME, RIGHT_BASE)
    return {
        "image": image,
        "bake_stack": bake_stack,
        "retest": config.flag("retest", False),
        "promote": config.flag("promote", True),
        "metrics": config.texts("metrics", r"[a-zA-Z_:][\w:]*", "a list of names of metrics"),
        "visibility": config.text(
            "visibility", "private", "private|shared|community|public", "private, shared, community or public"
        ),
        "keep_images": config.integer("keepImages", 3, 1, 100),
    }


def _wrong_variable(name: str, value: str) -> str | None:
    for one in (name, value):
        if not one.isidentifier():
            return f"holds {one}, which is not the name of a variable"
    return None
