"""An image of a server as a resource: a refresh sees its tags, its visibility and whether it is still there.

Once it is verified nothing here removes it or hides it: then it belongs to whoever promoted it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

from components.release import process

ACTION = "actions.server_image"
ASKED = ("server", "run", "properties", "tags", "settings")
SEEN = ("tags", "visibility", "verified", "status")


@dataclass(frozen=True, kw_only=True)
class ImagePatience:
    """How long a server may take to stop, and an image to be made (seconds)."""

    stop_seconds: int
    image_seconds: int


class ImageProvider(ResourceProvider):
    """Another server, run or recipe is another image; tags and visibility are changed in place."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        made = process.run(ACTION, "make", variables=_variables(props))
        return CreateResult(made["image"], {**props, **made, "tags": props["tags"]})

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        replaces = [key for key in ("server", "run") if olds.get(key) != news[key]]
        if _recipe(olds) != _recipe(news):
            replaces.append("properties")
        changed = sorted(olds["tags"]) != sorted(news["tags"])
        if not olds.get("verified"):
            changed = changed or olds.get("visibility") != news["settings"]["VISIBILITY"]
        return DiffResult(changes=bool(replaces) or changed, replaces=replaces)

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        settings = {**news["settings"], "OLD_TAGS": json.dumps(olds["tags"])}
        if olds.get("verified"):
            settings["VISIBILITY"] = olds["visibility"]
        seen = process.run(ACTION, "change", variables={**_variables(news), **settings, "IMAGE": id_})
        return UpdateResult({**olds, **news, **_seen(seen)})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        seen = process.run(ACTION, "look", variables={**_variables(props), "IMAGE": id_})
        if not seen:
            return ReadResult("", {})
        inputs = {key: props[key] for key in ASKED}
        return ReadResult(id_, {**props, **_seen(seen)}, {**inputs, "tags": seen["tags"]})

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        process.run(ACTION, "delete", variables={**_variables(props), "IMAGE": id_})


class ServerImage(Resource):
    """Ends with the image active and everything settled, or with `pulumi up` failed and the reason."""

    image: pulumi.Output[str]  # id
    image_name: pulumi.Output[str]
    visibility: pulumi.Output[str]
    steps: pulumi.Output[list[dict[str, Any]]]

    def __init__(
        self,
        name: str,
        *,
        server: pulumi.Input[str],
        run: pulumi.Input[str],
        properties: Mapping[str, str],
        tags: list[str],
        access: Mapping[str, str],
        disk_format: str,
        patience: ImagePatience,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        settings = {
            **access,
            "DISK_FORMAT": disk_format,
            "VISIBILITY": "private",  # until it is promoted
            "STOP_SECONDS": str(patience.stop_seconds),
            "IMAGE_SECONDS": str(patience.image_seconds),
        }
        asked = {"server": server, "run": run, "properties": dict(properties), "tags": tags, "settings": settings}
        made = dict.fromkeys(("image", "image_name", "visibility", "verified", "status", "size", "steps"))
        super().__init__(ImageProvider(), name, {**asked, **made}, opts)


def _variables(props: Mapping[str, Any]) -> dict[str, str]:
    return {
        **props["settings"],
        "SERVER": props["server"],
        "NAME": props["run"],
        "PROPERTIES": json.dumps({**props["properties"], "bake_run": props["run"]}),
        "TAGS": json.dumps(props["tags"]),
    }


def _recipe(props: Mapping[str, Any]) -> str:
    """The commit may move on without it."""
    return str(props["properties"]["bake_recipe"])


def _seen(seen: Mapping[str, Any]) -> dict[str, Any]:
    return {key: seen[key] for key in SEEN}
