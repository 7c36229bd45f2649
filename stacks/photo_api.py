"""photo-api: images of virtual machines, baked, tested, promoted on OpenStack; a stack is a base, a bake or a test."""

import json
from typing import Any

import pulumi
import pulumi_openstack as openstack

from components.release.bake import Bake
from components.release.image_test import ImageTest
from components.release.promotion import Promotion
from stacks import photo_api_parts as parts
from stacks.config_reader import ConfigError
from stacks.last_release import outputs_of
from stacks.photo_api_images import base_image, verified_image
from stacks.photo_api_plan import Plan, plan, tell
from stacks.photo_api_settings import PhotoApiSettings

SYSTEM = "photo-api"


def declare(settings: PhotoApiSettings) -> None:
    """What the stack's kind asks for."""
    access = parts.access(settings)
    provider = access.provider("openstack")
    if settings.kind == "test":
        _test(settings, provider)
        return
    base = base_image(settings, provider)
    planned = plan(settings, base)
    found = verified_image(settings, planned.recipe, provider)
    tell(settings, planned, found)
    pulumi.export("recipe", planned.recipe)
    pulumi.export("commit", planned.commit)
    pulumi.export("reused", found is not None)
    if found:
        pulumi.export("imageId", found)
    else:
        _bake(settings, planned, provider)


def _bake(settings: PhotoApiSettings, planned: Plan, provider: openstack.Provider) -> None:
    """A base image is promoted at once: the bakes that start from it test what matters."""
    with_provider = pulumi.ResourceOptions(providers=[provider])
    bake = Bake(settings.kind, parts.bake(settings, planned), with_provider)
    if settings.kind == "base":
        Promotion(
            f"{settings.kind}-promotion",
            image=bake.image,
            checks="none",
            visibility=settings.visibility,
            keep_images=settings.keep_images,
            access=parts.access(settings).environment(),
        )
    pulumi.export("imageId", bake.image)
    pulumi.export("imageName", bake.image_name)
    pulumi.export("run", bake.run)
    _export_summary(bake.summary)


def _test(settings: PhotoApiSettings, provider: openstack.Provider) -> None:
    """An image that a bake found verified is not tested again unless that is asked for."""
    image, reused = settings.image, False
    if settings.bake_stack:
        outputs = outputs_of(settings.bake_stack)
        image, reused = outputs.get("imageId"), bool(outputs.get("reused"))
        if not image:
            raise ConfigError(f"bakeStack is {settings.bake_stack}, which has no image yet: bring it up first")
    pulumi.export("imageId", image)
    pulumi.export("tested", not reused or settings.retest)
    if reused and not settings.retest:
        pulumi.log.info(f"image {image} is verified already: nothing to test (`retest: true` tests it again)")
        return
    test = ImageTest(settings.kind, parts.test(settings, str(image)), pulumi.ResourceOptions(providers=[provider]))
    pulumi.export("checks", test.checks)
    if test.summary:
        _export_summary(test.summary)


def _export_summary(summary: parts.Step) -> None:
    pulumi.export("summary", summary.field("table"))
    pulumi.export("picture", summary.field("picture"))
    pulumi.export("proof", summary.said.apply(_proof))


def _proof(said: str) -> dict[str, Any]:
    """How long it took, and what decided that."""
    told: dict[str, Any] = json.loads(said)
    return {key: value for key, value in told.items() if key not in ("table", "picture")}
