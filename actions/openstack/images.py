"""Glance: images with their properties and tags."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from actions.openstack.client import OpenStack, Refused

PATCH = "application/openstack-images-v2.1-json-patch"
OURS = "bake_"  # what every property of ours begins with


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image as Glance tells of it."""

    id: str
    name: str
    status: str  # queued, saving, active, killed, …
    visibility: str
    size: int | None  # bytes
    created: str  # ISO 8601, in UTC: sorts by time
    protected: bool
    tags: tuple[str, ...] = ()
    properties: dict[str, str] = field(default_factory=dict)  # ours only

    @property
    def verified(self) -> bool:
        return self.properties.get("bake_verified") == "true"


class Images:
    """The images of one project."""

    def __init__(self, cloud: OpenStack) -> None:
        self._cloud = cloud

    def find(self, image: str) -> Image | None:
        """None when there is none (yet, or any more)."""
        try:
            return _image(self._cloud.get("image", f"/images/{image}"))
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    def own(self) -> Iterator[Image]:
        """The images of this project, whoever may see them."""
        project = self._cloud.token().project
        for found in self._cloud.pages("image", f"/images?owner={project}", "images"):
            if found.get("owner") in (None, project):
                yield _image(found)

    def named(self, name: str) -> list[Image]:
        found = self._cloud.pages("image", f"/images?name={quote(name, safe='')}", "images")
        return [image for image in map(_image, found) if image.name == name]

    def set_properties(self, image: Image, properties: Mapping[str, str]) -> None:
        """Only those that differ."""
        self._patch(
            image.id,
            [
                {"op": "replace" if key in image.properties else "add", "path": f"/{key}", "value": value}
                for key, value in properties.items()
                if image.properties.get(key) != value
            ],
        )

    def set_visibility(self, image: Image, visibility: str) -> None:
        if image.visibility != visibility:
            self._patch(image.id, [{"op": "replace", "path": "/visibility", "value": visibility}])

    def set_tags(self, image: Image, wanted: Sequence[str], ours: Sequence[str]) -> None:
        """One by one: tags that others set stay, such as those by which a console knows its images."""
        for tag in sorted(set(wanted) - set(image.tags)):
            self._cloud.call("PUT", "image", f"/images/{image.id}/tags/{quote(tag, safe='')}")
        for tag in sorted(set(ours) & set(image.tags) - set(wanted)):
            self._cloud.delete("image", f"/images/{image.id}/tags/{quote(tag, safe='')}")

    def delete(self, image: str) -> bool:
        return self._cloud.delete("image", f"/images/{image}")

    def _patch(self, image: str, changes: list[dict[str, str]]) -> None:
        if changes:
            self._cloud.call("PATCH", "image", f"/images/{image}", changes, PATCH)


def _image(found: dict[str, Any]) -> Image:
    return Image(
        id=found["id"],
        name=found.get("name") or "",
        status=found["status"],
        visibility=found.get("visibility", "private"),
        size=found.get("size"),
        created=found.get("created_at", ""),
        protected=bool(found.get("protected")),
        tags=tuple(sorted(found.get("tags", []))),
        properties={key: str(value) for key, value in found.items() if key.startswith(OURS)},
    )
