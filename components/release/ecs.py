"""Declare the release of an image on an ECS service: a changed tag is a changed resource.

`EcsRelease` declares, `actions.release_ecs` acts, `components.release.running` sees what was changed behind its back.
"""

import json
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_command import local

from components.release.running import RunningImage
from components.release.verify import Verification

RELEASE = "python -m actions.release_ecs"
RETIRE = "python -m actions.retire_ecs"  # takes the released revisions away when the stack is destroyed


@dataclass(frozen=True, kw_only=True)
class EcsReleaseArgs:
    image: pulumi.Input[str]  # <repository uri>:<tag>; the digest is looked up when the release begins
    cluster: str
    service: pulumi.Input[str]  # its name
    container: str
    template: pulumi.Input[str]  # ARN of the task definition that holds everything but the image
    family: str  # of the released revisions
    desired_count: int
    scales: bool = False  # the service sets its own count: a release never lowers it
    target_group_arn: pulumi.Input[str]
    url: pulumi.Input[str]  # health URL through the balancer
    alarms: tuple[pulumi.Input[str], ...]  # names; a firing one stops a release before it begins
    table: pulumi.Input[str]
    region: str
    verification: Verification
    grace_seconds: int  # before an unhealthy target counts as a failed task

    def __post_init__(self) -> None:
        if self.desired_count < 1:
            raise ValueError(f"desiredCount must be at least 1, got {self.desired_count}")


class EcsRelease(pulumi.ComponentResource):
    """Ends with the image verified in service, or with the service as it was and `pulumi up` failed."""

    proof: pulumi.Output[dict[str, Any]]  # what was observed; see `actions.release_ecs`
    image_tag: pulumi.Output[str]

    def __init__(self, name: str, args: EcsReleaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:release:EcsRelease", name, None, opts)
        environment = self._environment(args)
        command = local.Command(
            f"{name}-release",
            create=RELEASE,
            update=RELEASE,
            delete=RETIRE,
            environment={"IMAGE": args.image, **environment},
            logging=local.Logging.STDERR,
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.proof = command.stdout.apply(json.loads)
        self.image_tag = self.proof.apply(lambda proof: str(proof["image_tag"]))
        RunningImage(
            f"{name}-running",
            environment=environment,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[command]),
        )
        self.register_outputs({"proof": self.proof, "image_tag": self.image_tag})

    @staticmethod
    def _environment(args: EcsReleaseArgs) -> dict[str, pulumi.Input[str]]:
        """Everything but the image. Readable names, because these lines are what a preview shows of a release."""
        return {
            "CLUSTER": args.cluster,
            "SERVICE": args.service,
            "CONTAINER": args.container,
            "TEMPLATE": args.template,
            "FAMILY": args.family,
            "DESIRED_COUNT": str(args.desired_count),
            "SCALES": str(args.scales).lower(),
            "TARGET_GROUP": args.target_group_arn,
            "URL": args.url,
            "ALARMS": pulumi.Output.all(*args.alarms).apply(lambda names: ",".join(sorted(names))),
            "RELEASES_TABLE": args.table,
            "REGION": args.region,
            "GRACE_SECONDS": str(args.grace_seconds),
            **args.verification.environment(),
        }
