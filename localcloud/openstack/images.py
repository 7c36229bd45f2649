"""Glance: images with their properties, tags and visibility."""

import re
from typing import Any

from localcloud.openstack.model import Answer, Handler, Request, Thing, chosen, glance, page, shown
from localcloud.openstack.world import PROJECT, World, new_id, now

FIXED = ("id", "status", "created_at", "updated_at", "checksum", "size", "owner", "file", "schema", "self",
         "virtual_size", "direct_url", "locations", "container_format", "disk_format")  # fmt: skip
PATCHES = ("application/openstack-images-v2.1-json-patch", "application/openstack-images-v2.0-json-patch")
VISIBILITIES = ("private", "shared", "community", "public")
AVAILABLE = "_AVAILABLE_"  # NHN's mark: its console shows no image without it


def find(world: World, key: str) -> Thing:
    """The image, or Glance's 404."""
    return world.get("images", key, glance(404, f"No image found with ID {key}"))


def add(world: World, name: str, properties: Thing, *, disk_format: str = "raw") -> Thing:
    """A new image without data."""
    image: Thing = {
        "id": new_id(),
        "name": name,
        "status": "queued",
        "visibility": "private",
        "owner": PROJECT,
        "protected": False,
        "os_hidden": False,
        "tags": [AVAILABLE],
        "min_disk": 10,
        "min_ram": 0,
        "size": None,
        "virtual_size": None,
        "checksum": None,
        "container_format": "bare",
        "disk_format": disk_format,
        "created_at": now(),
        "updated_at": now(),
        "schema": "/v2/schemas/image",
        **properties,
    }
    image |= {"file": f"/v2/images/{image['id']}/file", "self": f"/v2/images/{image['id']}"}
    return world.add("images", image)


def list_images(request: Request) -> Answer:
    """GET /v2/images with filters on fields and properties, sizes, sort, pages."""
    found = chosen(request, request.cloud.world.listed("images"), ignore=(*SIZES, "member_status", "tag"))
    found = [image for image in found if set(request.query.get("tag", [])) <= set(image["tags"])]
    least, most = (int(request.asked(name) or 0) for name in SIZES)
    found = [image for image in found if (image["size"] or 0) >= least and (not most or (image["size"] or 0) <= most)]
    for name, descending in reversed(_order(request)):
        found.sort(key=lambda image: str(image.get(name) or ""), reverse=descending)
    things, marker = page(request, found, default=25 if not request.asked("limit") else 1000)
    body: dict[str, Any] = {"images": [shown(image) for image in things], "schema": "/v2/schemas/images"}
    body["first"] = "/v2/images"
    if marker:
        kept = "&".join(
            f"{name}={value}" for name, values in request.query.items() if name != "marker" for value in values
        )
        body["next"] = f"/v2/images?{kept + '&' if kept else ''}marker={marker}"
    return Answer(body=body)


SIZES = ("size_min", "size_max")


def _order(request: Request) -> list[tuple[str, bool]]:
    asked = request.asked("sort") or "created_at:desc"
    pairs = [part.partition(":") for part in asked.split(",")]
    return [(name, direction != "asc") for name, _, direction in pairs]


def get_image(request: Request, key: str) -> Answer:
    return Answer(body=shown(find(request.cloud.world, key)))


def patch_image(request: Request, key: str) -> Answer:
    """JSON patch of properties, name, tags, visibility and protection; all of it or nothing."""
    image = find(request.cloud.world, key)
    changed = dict(image)
    for change in request.body if isinstance(request.body, list) else [request.body]:
        _apply(changed, change)
    image.clear()
    image.update(changed, updated_at=now())
    return Answer(body=shown(image))


def _apply(image: Thing, change: Thing) -> None:
    name = str(change.get("path", "")).removeprefix("/").replace("~1", "/").replace("~0", "~")
    verb, value = change.get("op"), change.get("value")
    if name in FIXED or name.startswith("_") or name.startswith("os_glance"):
        raise glance(403, f"Attribute '{name}' is read-only.")
    if name == "visibility" and value not in VISIBILITIES:
        raise glance(400, f"Invalid value for visibility: {value!r}.")
    if name == "visibility" and value == "public":
        raise glance(403, "You are not authorized to complete publicize_image action.")
    if name == "tags":
        for tag in set(value or []) - set(image["tags"]):
            _refuse_tag(tag)
    match verb:
        case "add":
            image[name] = value
        case "replace" if name in image:
            image[name] = value
        case "remove" if name in image:
            del image[name]
        case "replace" | "remove":
            raise glance(409, f"Property {name} does not exist.")
        case _:
            raise glance(400, f"Invalid operation: `{verb}`. It must be one of the following: add, remove, replace.")


def _refuse_tag(tag: str) -> None:
    if tag.startswith("_"):
        raise glance(403, f"The tag {tag} is the provider's own.")


def put_tag(request: Request, key: str, tag: str) -> Answer:
    image = find(request.cloud.world, key)
    if tag not in image["tags"]:
        _refuse_tag(tag)
        image["tags"].append(tag)
    return Answer(status=204)


def delete_tag(request: Request, key: str, tag: str) -> Answer:
    image = find(request.cloud.world, key)
    if tag not in image["tags"]:
        raise glance(404, f"Tag {tag} could not be found.")
    image["tags"].remove(tag)
    return Answer(status=204)


def delete_image(request: Request, key: str) -> Answer:
    """Refused while protected, and while it is written or a volume is being made of it."""
    cloud = request.cloud
    image = find(cloud.world, key)
    if image["protected"]:
        raise glance(403, f"Image {key} is protected and cannot be deleted.")
    if image["status"] in ("saving", "uploading"):
        raise glance(409, f"Image {key} could not be deleted because it is in use: its data is being uploaded.")
    cloud.world.remove("images", key)
    cloud.later(cloud.computers.forget, key)
    return Answer(status=204)


def refuse_upload(request: Request) -> Answer:
    """POST /v2/images: this cloud, as NHN's overview says of its own, takes no images of others."""
    raise glance(403, "Uploading an image is not permitted.")


def add_member(request: Request, key: str) -> Answer:
    image = find(request.cloud.world, key)
    if image["visibility"] != "shared":
        raise glance(403, "Only shared images have members.")
    member = str(request.body.get("member", ""))
    members: list[Thing] = image.setdefault("_members", [])
    if any(found["member_id"] == member for found in members):
        raise glance(409, f"Image {key} is already associated with the member {member}.")
    members.append(
        {"image_id": key, "member_id": member, "status": "pending", "created_at": now(), "updated_at": now()}
    )
    return Answer(body=members[-1])


def list_members(request: Request, key: str) -> Answer:
    return Answer(body={"members": find(request.cloud.world, key).get("_members", [])})


ROUTES: tuple[tuple[str, re.Pattern[str], Handler], ...] = (
    ("GET", re.compile(r"/v2/images"), list_images),
    ("POST", re.compile(r"/v2/images"), refuse_upload),
    ("GET", re.compile(r"/v2/images/([^/]+)"), get_image),
    ("PATCH", re.compile(r"/v2/images/([^/]+)"), patch_image),
    ("DELETE", re.compile(r"/v2/images/([^/]+)"), delete_image),
    ("PUT", re.compile(r"/v2/images/([^/]+)/tags/([^/]+)"), put_tag),
    ("DELETE", re.compile(r"/v2/images/([^/]+)/tags/([^/]+)"), delete_tag),
    ("GET", re.compile(r"/v2/images/([^/]+)/members"), list_members),
    ("POST", re.compile(r"/v2/images/([^/]+)/members"), add_member),
)
