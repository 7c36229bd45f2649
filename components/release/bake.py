"""Bake an image: what is independent runs at once, then one payload goes to a server, which becomes the image.

`Bake` declares the graph; `actions.bake` and `actions.bake_image` work on the server, `actions.server_image` makes its
image.
"""

import json
from typing import Any

import pulumi

from components.release.bake_args import BakeArgs
from components.release.bake_run import BakeRun
from components.release.server_image import ImagePatience, ServerImage
from components.release.step import Step, timed
from components.release.temporary_server import SSH_PORT, TemporaryServer


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
