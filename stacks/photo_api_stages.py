"""The optional stages of a bake: the document's three profiles, and the switches that override one of them."""

from dataclasses import dataclass

from stacks.config_reader import Section


@dataclass(frozen=True, kw_only=True)
class LogAgentSettings:
    """`published` as sha256: what the project's own list of checksums says."""

    kind: str  # promtail, alloy or none
    version: str
    sha256: str
    url: str  # where logs are pushed to


@dataclass(frozen=True, kw_only=True)
class NodeExporterSettings:
    enabled: bool
    version: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class TimeoutSettings:
    """Seconds."""

    boot: int
    install: int
    health: int
    health_interval: int
    stop: int
    image: int
    cleanup: int


@dataclass(frozen=True, kw_only=True)
class Stages:
    """What is done, and what is left out."""

    profile: str
    offline_packages: bool
    log_agent: LogAgentSettings
    node_exporter: NodeExporterSettings
    test_server: bool
    time_check: bool
    detailed_checks: bool


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One column of the document's chapter 5.3."""

    offline_packages: bool
    log_agent: str
    node_exporter: bool
    test_server: bool
    time_check: bool
    detailed_checks: bool


PROFILES = {
    "full": Profile(
        offline_packages=True,
        log_agent="promtail",
        node_exporter=True,
        test_server=True,
        time_check=True,
        detailed_checks=True,
    ),
    "compromise": Profile(
        offline_packages=True,
        log_agent="none",
        node_exporter=False,
        test_server=True,
        time_check=True,
        detailed_checks=True,
    ),
    "minimal": Profile(
        offline_packages=False,
        log_agent="none",
        node_exporter=False,
        test_server=False,
        time_check=False,
        detailed_checks=False,
    ),
}
VERSIONS = {"promtail": "3.5.7", "alloy": "1.11.3"}
NODE_EXPORTER_VERSION = "1.9.1"
VERSION = r"\d+\.\d+\.\d+"
SHA256 = "[0-9a-f]{64}|published"
RIGHT_SHA256 = "the SHA-256 of the archive, or published: what the project's own list says"


def read_stages(config: Section) -> Stages:
    """The profile with its overrides."""
    name = config.text("profile", "full", "|".join(PROFILES), f"one of {', '.join(PROFILES)}")
    profile = PROFILES[name]
    return Stages(
        profile=name,
        offline_packages=config.flag("offlinePackages", profile.offline_packages),
        log_agent=_log_agent(config.section("logAgent", LogAgentSettings), profile),
        node_exporter=_node_exporter(config.section("nodeExporter", NodeExporterSettings), profile),
        test_server=config.flag("testServer", profile.test_server),
        time_check=config.flag("timeCheck", profile.time_check),
        detailed_checks=config.flag("detailedChecks", profile.detailed_checks),
    )


def read_timeouts(config: Section) -> TimeoutSettings:
    section = config.section("timeouts", TimeoutSettings)
    return TimeoutSettings(
        boot=section.integer("boot", 300, 5, 1800),
        install=section.integer("install", 1200, 10, 3600),
        health=section.integer("health", 90, 5, 900),
        health_interval=section.integer("healthInterval", 5, 1, 60),
        stop=section.integer("stop", 180, 5, 900),
        image=section.integer("image", 1800, 5, 7200),
        cleanup=section.integer("cleanup", 300, 5, 1800),
    )


def _log_agent(section: Section, profile: Profile) -> LogAgentSettings:
    kind = section.text("kind", profile.log_agent, "promtail|alloy|none", "promtail, alloy or none")
    if kind == "none":
        return LogAgentSettings(kind=kind, version="", sha256="", url="")
    return LogAgentSettings(
        kind=kind,
        version=section.text("version", VERSIONS[kind], VERSION, "a version such as 3.5.7"),
        sha256=section.text("sha256", "published", SHA256, RIGHT_SHA256),
        url=section.text("url", "", r"(https?://\S+)?", "the address of Loki's push API"),
    )


def _node_exporter(section: Section, profile: Profile) -> NodeExporterSettings:
    enabled = section.flag("enabled", profile.node_exporter)
    version = section.text("version", NODE_EXPORTER_VERSION, VERSION, "a version such as 1.9.1")
    sha256 = section.text("sha256", "published", SHA256, RIGHT_SHA256)
    return NodeExporterSettings(enabled=enabled, version=version if enabled else "", sha256=sha256 if enabled else "")
