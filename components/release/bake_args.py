"""What a bake is told: the application, its Python, what watches it, and how long each thing may take. Plain values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from components.release.bake_run import RunPlace

NO_AGENT = "none"


@dataclass(frozen=True, kw_only=True)
class Agents:
    """What an image carries to be watched: a version and its checksum each; without a version it carries none."""

    log_agent: str = NO_AGENT  # promtail or alloy
    log_agent_version: str = ""
    log_agent_sha256: str = ""
    log_url: str = ""  # where logs are pushed to
    node_exporter: str = ""  # version
    node_exporter_sha256: str = ""
    mirror: str = ""  # in front of the project's own release pages

    def __post_init__(self) -> None:
        if (self.log_agent != NO_AGENT) != bool(self.log_agent_version):
            raise ValueError(
                f"a log agent has a version and none has none, got {self.log_agent} {self.log_agent_version}"
            )

    @property
    def any(self) -> bool:
        return self.log_agent != NO_AGENT or bool(self.node_exporter)

    def environment(self) -> dict[str, str]:
        return {
            "LOG_AGENT": self.log_agent,
            "LOG_AGENT_VERSION": self.log_agent_version,
            "LOG_AGENT_SHA256": self.log_agent_sha256,
            "LOG_URL": self.log_url,
            "NODE_EXPORTER": self.node_exporter,
            "NODE_EXPORTER_SHA256": self.node_exporter_sha256,
            "MIRROR": self.mirror,
        }


@dataclass(frozen=True, kw_only=True)
class Application:
    """What is served, from where it is taken and how it is asked; a base image holds none."""

    source: str  # directory within a git work tree
    excludes: tuple[str, ...] = ()  # globs
    app: str = "app.main:app"
    port: int = 8000
    health_path: str = "/health"

    def environment(self) -> dict[str, str]:
        return {
            "SOURCE": self.source,
            "EXCLUDES": ",".join(self.excludes),
            "APP": self.app,
            "PORT": str(self.port),
            "HEALTH_PATH": self.health_path,
        }


@dataclass(frozen=True, kw_only=True)
class Python:
    """The interpreter of the image and the packages that its virtual environment holds."""

    version: str
    requirements: str  # file
    platforms: str = ""  # of wheels, separated by commas; empty: the action's own
    index_url: str = ""  # empty: pip's own configuration
    offline: bool = True  # wheels are brought along; else the server fetches them

    def environment(self) -> dict[str, str]:
        given = {
            "PYTHON_VERSION": self.version,
            "PYTHON": f"python{self.version}",
            "REQUIREMENTS": self.requirements,
            "INDEX_URL": self.index_url,
            "OFFLINE": str(self.offline).lower(),
        }
        return {**given, "PLATFORMS": self.platforms} if self.platforms else given


@dataclass(frozen=True, kw_only=True)
class BakePatience:
    """Seconds that each may take."""

    boot: int = 300
    install: int = 1200
    health: int = 90
    health_interval: int = 5
    stop: int = 180
    image: int = 1800


@dataclass(frozen=True, kw_only=True)
class BakeArgs:
    kind: str  # what runs and images are called, before their recipe
    place: RunPlace
    base_image: str  # id
    recipe: str  # hash of everything that goes into the image
    properties: Mapping[str, str]  # of the image, beside its recipe and run
    application: Application | None
    python: Python
    packages: tuple[str, ...]  # Debian's
    agents: Agents
    disk_format: str
    tags: tuple[str, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)  # VARIABLE → variable of the runner's environment
    artifacts: str  # directory of the picture
    patience: BakePatience = BakePatience()

    def secrets_json(self) -> str:
        return json.dumps(dict(sorted(self.secrets.items())))
