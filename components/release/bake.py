"""Bake an image: what is independent runs at once, then one payload goes to a server, which becomes the image.

`Bake` declares the graph; `actions.bake` and `actions.bake_image` work on the server, `actions.server_image` makes its
image.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from components.release.bake_run import BakeRun, RunPlace
from components.release.server_image import ImagePatience, ServerImage
from components.release.step import Step, timed
from components.release.temporary_server import SSH_PORT, TemporaryServer

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


class Bake(pulumi.ComponentResource):
    """Ends with an image that is not verified yet, or with `pulumi up` failed and the reason."""

    image: pulumi.Output[str]  # id
    image_name: pulumi.Output[str]
    run: pulumi.Output[str]
    summary: Step

    def __init__(self, name: str, args: BakeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:release:Bake", name, None, opts)
        self._name, self._args = name, args
        self._run = BakeRun(
            f"{name}-run",
            kind=args.kind,
            recipe=args.recipe,
            image=args.base_image,
            secrets=args.secrets_json(),
            place=args.place,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._parts = self._downloads()
        self._server = TemporaryServer(
            name, run=self._run, image=args.base_image, ports=(), opts=pulumi.ResourceOptions(parent=self)
        )
        prepare = Step(
            f"{name}-prepare",
            "actions.bake.prepare",
            self._on_server(),
            parent=self,
            after=self._server.ways,
        )
        build = self._build(prepare)
        image = self._image(build)
        self.summary = Step(
            f"{name}-summary",
            "actions.bake.summary",
            {
                "RUN": self._run.run,
                "TITLE": args.kind,
                "ARTIFACTS": args.artifacts,
                "PARTS": _parts(self._run.steps, *self._parts.values(), prepare, build, image.steps),
            },
            parent=self,
        )
        self.image, self.image_name, self.run = image.image, image.image_name, self._run.run
        self.register_outputs({"image": self.image, "image_name": self.image_name, "run": self.run})

    def _downloads(self) -> dict[str, Step]:
        """What needs no server and runs while it boots; a stage that is turned off is not there."""
        args = self._args
        cache: dict[str, pulumi.Input[str]] = {"RUN": self._run.run, "CACHE": args.place.cache}
        wanted: dict[str, tuple[str, dict[str, str]]] = {}
        if args.python.offline:
            wanted["WHEELS"] = ("actions.bake.wheels", args.python.environment())
        if args.agents.any:
            wanted["AGENTS"] = ("actions.bake.agents", args.agents.environment())
        if args.application:
            wanted["SOURCE_PART"] = ("actions.bake.source", args.application.environment())
        return {
            variable: Step(f"{self._name}-{module.rpartition('.')[2]}", module, {**environment, **cache}, parent=self)
            for variable, (module, environment) in wanted.items()
        }

    def _on_server(self) -> dict[str, pulumi.Input[str]]:
        """What every step on the server is told."""
        run, args = self._run, self._args
        return {
            **args.place.access.environment(),
            "RUN": run.run,
            "RECIPE": args.recipe,
            "BEGAN": run.began.apply(str),
            "ADDRESS": self._server.address,
            "SSH_USER": args.place.user,
            "SSH_PORT": str(SSH_PORT),
            "LOGIN_KEY": run.login_key,
            "HOST_KEY": run.host_public,
            "PACKAGES": ",".join(args.packages),
            "PYTHON": f"python{args.python.version}",
            "BOOT_SECONDS": str(args.patience.boot),
            "INSTALL_SECONDS": str(args.patience.install),
        }

    def _build(self, prepare: Step) -> Step:
        args, patience = self._args, self._args.patience
        application = args.application.environment() if args.application else {}
        parts: dict[str, pulumi.Input[str]] = {"WHEELS": "", "AGENTS": "", "SOURCE_PART": ""}
        parts |= {variable: step.said for variable, step in self._parts.items()}
        return Step(
            f"{self._name}-build",
            "actions.bake_image",
            {
                **self._on_server(),
                "SERVER": self._server.server_id,
                **application,
                **args.python.environment(),
                **args.agents.environment(),
                **parts,
                "CACHE": args.place.cache,
                "PAYLOAD": "application" if args.application else "base",
                "SECRETS": args.secrets_json(),
                "HEALTH_SECONDS": str(patience.health),
                "HEALTH_INTERVAL": str(patience.health_interval),
                "STOP_SECONDS": str(patience.stop),
            },
            parent=self,
            after=[prepare.resource],
        )

    def _image(self, build: Step) -> ServerImage:
        args = self._args
        return ServerImage(
            f"{self._name}-image",
            server=self._server.server_id,
            run=self._run.run,
            properties={**args.properties, "bake_recipe": args.recipe},
            tags=sorted(args.tags),
            access=args.place.access.environment(),
            disk_format=args.disk_format,
            patience=ImagePatience(stop_seconds=args.patience.stop, image_seconds=args.patience.image),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[build.resource]),
        )


def _parts(*parts: Step | pulumi.Output[list[dict[str, Any]]]) -> pulumi.Output[str]:
    """All that tell how long they took, as the summary reads it."""
    told = [part.said if isinstance(part, Step) else timed(part) for part in parts]
    return pulumi.Output.all(*told).apply(json.dumps)
