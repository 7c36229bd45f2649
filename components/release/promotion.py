"""The promotion of an image as a resource: verified, visible, older ones pruned; destroying it leaves the image.

`Promotion` declares, `actions.promote_image` acts. A mark that somebody took away shows up after a refresh.
"""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

from components.release import process

ACTION = "actions.promote_image"
ASKED = ("image", "checks", "settings")
SEEN = ("verified", "visibility")


class PromotionProvider(ResourceProvider):
    """Another image is another promotion."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(props["image"], _promoted(props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        replaces = ["image"] if olds.get("image") != news["image"] else []
        drifted = not olds.get("verified") or olds.get("visibility") != news["settings"]["VISIBILITY"]
        changed = any(olds.get(key) != news[key] for key in ("checks", "settings"))
        return DiffResult(changes=bool(replaces) or drifted or changed, replaces=replaces)

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(_promoted(news))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        seen = process.run(ACTION, "look", variables=_variables(props))
        if not seen:
            return ReadResult("", {})
        inputs = {key: props[key] for key in ASKED}
        return ReadResult(id_, {**props, **{key: seen[key] for key in SEEN}}, inputs)


class Promotion(Resource):
    """Comes after the test, so that nothing that failed it is ever marked or shown."""

    verified: pulumi.Output[bool]
    visibility: pulumi.Output[str]
    pruned: pulumi.Output[list[str]]
    steps: pulumi.Output[list[dict[str, Any]]]

    def __init__(
        self,
        name: str,
        *,
        image: pulumi.Input[str],
        checks: pulumi.Input[str],  # which it passed
        visibility: str,
        keep_images: int,
        access: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        if keep_images < 1:
            raise ValueError(f"keepImages must be at least 1, got {keep_images}")
        settings = {**access, "VISIBILITY": visibility, "KEEP_IMAGES": str(keep_images)}
        made = dict.fromkeys(("verified", "visibility", "pruned", "steps"))
        asked = {"image": image, "checks": checks, "settings": settings}
        super().__init__(PromotionProvider(), name, {**asked, **made}, opts)


def _variables(props: Mapping[str, Any]) -> dict[str, str]:
    return {**props["settings"], "IMAGE": props["image"], "CHECKS": props["checks"]}


def _promoted(props: Mapping[str, Any]) -> dict[str, Any]:
    done = process.run(ACTION, "promote", variables=_variables(props))
    return {**props, **{key: done[key] for key in (*SEEN, "pruned", "steps")}}
