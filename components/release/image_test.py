"""Test an image on a server of its own, and promote it only after every check passed.

`ImageTest` declares, `actions.test_image` looks, `actions.promote_image` promotes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from components.release.bake_run import BakeRun, RunPlace
from components.release.promotion import Promotion
from components.release.step import Step, timed
from components.release.temporary_server import SSH_PORT, TemporaryServer

NODE_EXPORTER_PORT = 9100


@dataclass(frozen=True, kw_only=True)
class Checks:
    """What is looked at, and what counts as good."""

    names: tuple[str, ...]
    port: int = 8000
    health_path: str = "/health"
    health_seconds: int = 90
    health_interval: int = 5
    node_exporter: str = ""  # version; empty: the image has none
    log_agent: str = "none"
    metrics: tuple[str, ...] = ()  # names that /metrics must hold; none: the action's own
    time_tolerance_seconds: float = 1.0
    boot_seconds: int = 300

    def __post_init__(self) -> None:
        if not self.names:
            raise ValueError("a test without checks proves nothing; turn the test server off instead")

    def environment(self) -> dict[str, str]:
        given = {
            "CHECKS": ",".join(self.names),
            "PORT": str(self.port),
            "NODE_EXPORTER_PORT": str(NODE_EXPORTER_PORT),
            "NODE_EXPORTER": self.node_exporter,
            "LOG_AGENT": self.log_agent,
            "HEALTH_PATH": self.health_path,
            "HEALTH_SECONDS": str(self.health_seconds),
            "HEALTH_INTERVAL": str(self.health_interval),
            "TIME_TOLERANCE": f"{self.time_tolerance_seconds:g}",
            "BOOT_SECONDS": str(self.boot_seconds),
        }
        return {**given, "METRICS": ",".join(self.metrics)} if self.metrics else given

    def ports(self) -> tuple[int, ...]:
        return (self.port, NODE_EXPORTER_PORT) if self.node_exporter else (self.port,)


@dataclass(frozen=True, kw_only=True)
class PromotionArgs:
    """How a promoted image is seen, and how many verified ones stay."""

    visibility: str = "private"
    keep_images: int = 3


@dataclass(frozen=True, kw_only=True)
class ImageTestArgs:
    kind: str
    place: RunPlace
    image: str  # id
    recipe: str  # hash of image and checks: another one is another run
    checks: Checks | None  # None: no server is started
    promotion: PromotionArgs | None  # None: the image stays as it is
    secrets: Mapping[str, str] = field(default_factory=dict)
    artifacts: str


class ImageTest(pulumi.ComponentResource):
    """Ends with the image verified, or untouched and `pulumi up` failed by the name of the check."""

    checks: pulumi.Output[str]  # JSON: check → what it found
    summary: Step | None

    def __init__(self, name: str, args: ImageTestArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:release:ImageTest", name, None, opts)
        self._name, self._args = name, args
        if args.checks is None:
            self.checks, self.summary = pulumi.Output.from_input("{}"), None
            self._promote(pulumi.Output.from_input("none"))
        else:
            self._tested(args.checks)
        self.register_outputs({"checks": self.checks})

    def _tested(self, checks: Checks) -> None:
        args = self._args
        run = BakeRun(
            f"{self._name}-run",
            kind=args.kind,
            recipe=args.recipe,
            image=args.image,
            secrets=self._secrets(),
            place=args.place,
            opts=pulumi.ResourceOptions(parent=self),
        )
        server = TemporaryServer(
            self._name, run=run, image=args.image, ports=checks.ports(), opts=pulumi.ResourceOptions(parent=self)
        )
        looked = Step(
            f"{self._name}-checks",
            "actions.test_image",
            {
                **args.place.access.environment(),
                **checks.environment(),
                "RUN": run.run,
                "BEGAN": run.began.apply(str),
                "ADDRESS": server.address,
                "SSH_USER": args.place.user,
                "SSH_PORT": str(SSH_PORT),
                "LOGIN_KEY": run.login_key,
                "HOST_KEY": run.host_public,
                "SECRETS": self._secrets(),
            },
            parent=self,
            after=server.ways,
        )
        self.checks = looked.field("checks").apply(json.dumps)
        passed = self.checks.apply(lambda text: ",".join(json.loads(text)))
        promotion = self._promote(passed, looked)
        parts = [timed(run.steps), looked.said]
        if promotion:
            parts.append(timed(promotion.steps))
        self.summary = Step(
            f"{self._name}-summary",
            "actions.bake.summary",
            {
                "RUN": run.run,
                "TITLE": args.kind,
                "ARTIFACTS": args.artifacts,
                "PARTS": pulumi.Output.all(*parts).apply(json.dumps),
            },
            parent=self,
        )

    def _promote(self, passed: pulumi.Output[str], looked: Step | None = None) -> Promotion | None:
        args = self._args
        if args.promotion is None:
            return None
        return Promotion(
            f"{self._name}-promotion",
            image=args.image,
            checks=passed,
            visibility=args.promotion.visibility,
            keep_images=args.promotion.keep_images,
            access=args.place.access.environment(),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[looked.resource] if looked else []),
        )

    def _secrets(self) -> str:
        return json.dumps(dict(sorted(self._args.secrets.items())))
