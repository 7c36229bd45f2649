"""What the local stack of each system needs around its `pulumi up`. A system is a row."""

from dataclasses import dataclass

from localcloud.up.cloud import ASTRAGO, AWS, OPENSTACK, Server


@dataclass(frozen=True, kw_only=True)
class System:
    """Modules run by the virtual environment's Python with the variables of `.local/env.sh`; each may be repeated."""

    servers: tuple[Server, ...] = (AWS,)
    needs: tuple[str, ...] = ("base image",)  # set-up steps: the images that the local cloud or the sample is made of
    supplies: str | None = None  # run with the stack's name before `pulumi up`: what lies outside the stack
    repository: str | None = None  # the stack's image repository, where its file does not say
    sample: str | None = None  # builds and pushes the sample application: --tag TAG --repository URI --push
    stages: tuple[str, ...] = ()  # environments that `local` stands for: brought up in turn, then destroyed in reverse
    after: str | None = None  # run with the stack's name after `pulumi up`: what a user would do first


SYSTEMS = {
    "astrago": System(servers=(AWS, ASTRAGO), supplies="localcloud.astrago.supply"),
    "liveinsight": System(repository="liveinsight-app", sample="localcloud.sample.build"),
    "photo-api": System(
        servers=(AWS, OPENSTACK),
        needs=("openstack plugin",),
        stages=("bake-local", "test-local"),
        supplies="localcloud.photo_api.supply",
    ),
    "quest16": System(needs=("base image", "build image"), after="localcloud.up.quest16_push"),
    "teammoa": System(
        needs=("base image", "machine image"),
        supplies="localcloud.up.service_images",
        repository="teammoa-web",
        sample="localcloud.teammoa.build",
    ),
}


def system_of(stack: str) -> System:
    """The row of `<system>.<environment>`; a system without one needs the local cloud only."""
    return SYSTEMS.get(stack.partition(".")[0], System())
