"""Images as things of their own: looked at, changed, removed, promoted and pruned."""

import json
from typing import Any

import pytest

from actions import promote_image, server_image
from actions.errors import ReleaseError
from actions.openstack.images import Image
from actions.progress import Progress
from tests.unit.photo_api.openstack_server import Answer, Asked, Scripted, environment
from tests.virtual_clock import VirtualClock

NAME = "photo-api-bake-0123abcd-0123456789abcde{}"
PATH = "/image/v2/images/i"


class Glance:
    """One project's images, patched and tagged for real."""

    def __init__(self, cloud: Scripted) -> None:
        self.cloud, self.images = cloud, dict[str, dict[str, Any]]()
        cloud.on("GET /image/v2/images", lambda _asked: Answer(body={"images": list(self.images.values())}))

    def add(self, identity: str, **facts: Any) -> None:
        base = {"id": identity, "status": "active", "visibility": "private", "owner": "tenant-1", "tags": []}
        self.images[identity] = {**base, "name": NAME.format(0), "size": 1, **facts}
        path = f"/image/v2/images/{identity}"
        self.cloud.on(f"GET {path}", lambda _asked: self._get(identity))
        self.cloud.on(f"PATCH {path}", lambda asked: self._patch(identity, asked))
        self.cloud.on(f"DELETE {path}", lambda _asked: self._delete(identity))
        for tag in ("photo", "old", "_AVAILABLE_"):
            self.cloud.on(f"PUT {path}/tags/{tag}", lambda asked: self._tag(identity, asked))
            self.cloud.on(f"DELETE {path}/tags/{tag}", lambda asked: self._tag(identity, asked))

    def _get(self, identity: str) -> Answer:
        found = self.images.get(identity)
        return Answer(body=found) if found else Answer(status=404)

    def _patch(self, identity: str, asked: Asked) -> Answer:
        for change in asked.body:
            self.images[identity][change["path"].lstrip("/")] = change["value"]
        return Answer(body=self.images[identity])

    def _delete(self, identity: str) -> Answer:
        del self.images[identity]
        return Answer(status=204)

    def _tag(self, identity: str, asked: Asked) -> Answer:
        tag = asked.path.rpartition("/")[2]
        tags: list[str] = self.images[identity]["tags"]
        if asked.method == "PUT":
            tags.append(tag)
        else:
            tags.remove(tag)
        return Answer(status=204)


@pytest.fixture
def glance(cloud: Scripted) -> Glance:
    cloud.on("GET /compute/servers/detail", Answer(body={"servers": []}))
    cloud.on("GET /volume/volumes/detail", Answer(body={"volumes": []}))
    return Glance(cloud)


def do(action: Any, glance: Glance, clock: VirtualClock, **more: str) -> dict[str, Any]:
    given = {
        **environment(glance.cloud),
        "IMAGE": "i",
        "IMAGE_SECONDS": "60",
        "VISIBILITY": "private",
        "TAGS": "[]",
        "CHECKS": "health,time",
        "KEEP_IMAGES": "2",
        **more,
    }
    result: dict[str, Any] = action(given, clock, Progress())
    return result


def test_a_refresh_sees_tags_visibility_and_that_it_is_gone(glance: Glance, clock: VirtualClock) -> None:
    glance.add("i", tags=["photo", "_AVAILABLE_"], visibility="shared")
    seen = do(server_image.look, glance, clock)
    assert (seen["tags"], seen["visibility"], seen["verified"]) == (["photo"], "shared", False)
    assert do(server_image.look, glance, clock, IMAGE="none") == {}


def test_tags_are_set_singly_so_that_the_clouds_own_survive(glance: Glance, clock: VirtualClock) -> None:
    glance.add("i", tags=["old", "_AVAILABLE_", "theirs"])
    do(server_image.change, glance, clock, TAGS='["photo"]', OLD_TAGS='["old"]', VISIBILITY="shared")
    assert sorted(glance.images["i"]["tags"]) == ["_AVAILABLE_", "photo", "theirs"]
    assert glance.images["i"]["visibility"] == "shared"


def test_an_image_that_is_gone_cannot_be_changed(glance: Glance, clock: VirtualClock) -> None:
    with pytest.raises(ReleaseError, match="image i is gone: `pulumi refresh` forgets it"):
        do(server_image.change, glance, clock)


def test_it_is_removed_unless_it_is_verified(glance: Glance, clock: VirtualClock) -> None:
    glance.add("i")
    assert do(server_image.delete, glance, clock)["outcome"] == "removed"
    assert glance.images == {}
    glance.add("i", bake_verified="true")
    assert do(server_image.delete, glance, clock)["outcome"] == "kept: it is verified"
    assert "i" in glance.images


def test_a_removal_waits_while_the_image_is_uploaded(glance: Glance, clock: VirtualClock) -> None:
    glance.add("i", status="saving")
    clock.at(10.0, lambda: glance.images["i"].update(status="active"))
    assert do(server_image.delete, glance, clock)["outcome"] == "removed"
    glance.add("i", status="saving")
    with pytest.raises(ReleaseError, match="image i cannot be removed for 60 s: it is saving"):
        do(server_image.delete, glance, clock)


def test_a_refused_removal_is_repeated_and_then_told(glance: Glance, clock: VirtualClock) -> None:
    glance.add("i")
    glance.cloud.on(f"DELETE {PATH}", Answer(status=409, body={"message": "in use by a volume"}))
    with pytest.raises(ReleaseError, match=r"cannot be removed for 60 s: image refused .* 409 in use by a volume"):
        do(server_image.delete, glance, clock)


def test_a_protected_image_says_what_to_do(glance: Glance, clock: VirtualClock) -> None:
    glance.add("i", protected=True)
    with pytest.raises(ReleaseError, match="image i is protected: take the protection away"):
        do(server_image.delete, glance, clock)


def test_a_promotion_marks_and_shows_and_keeps_tags(glance: Glance, clock: VirtualClock) -> None:
    glance.add("i", tags=["_AVAILABLE_"], bake_recipe="r")
    done = do(promote_image.promote, glance, clock, VISIBILITY="shared")
    assert (done["verified"], done["visibility"], done["pruned"]) == (True, "shared", [])
    assert glance.images["i"]["bake_checks"] == "health,time" and glance.images["i"]["tags"] == ["_AVAILABLE_"]
    assert done["steps"][0]["after"] == ["health", "time"]


def test_what_is_gone_or_not_active_is_not_promoted(glance: Glance, clock: VirtualClock) -> None:
    with pytest.raises(ReleaseError, match="image i cannot be promoted: it is gone"):
        do(promote_image.promote, glance, clock)
    glance.add("i", status="killed")
    with pytest.raises(ReleaseError, match="image i cannot be promoted: it is killed"):
        do(promote_image.promote, glance, clock)
    assert "bake_verified" not in glance.images["i"]


def test_older_ones_are_pruned_but_the_last_few_and_those_in_use(glance: Glance, clock: VirtualClock) -> None:
    for number in range(6):
        created = f"2026-01-0{number + 1}T00:00:00Z"
        glance.add(f"v{number}", name=NAME.format(number), created_at=created, bake_verified="true")
    glance.add("other", name="photo-api-base-0123abcd-0123456789abcdef", bake_verified="true")
    glance.add("young", name=NAME.format(7))
    glance.add("i", name=NAME.format(8), created_at="2026-01-09T00:00:00Z")
    on_disk = {"id": "s", "name": "x", "status": "ACTIVE", "image": {"id": "v0"}}
    glance.cloud.on("GET /compute/servers/detail", Answer(body={"servers": [on_disk]}))
    on_volume = {"id": "v", "name": "", "status": "in-use", "volume_image_metadata": {"image_id": "v1"}}
    glance.cloud.on("GET /volume/volumes/detail", Answer(body={"volumes": [on_volume]}))
    done = do(promote_image.promote, glance, clock)
    assert done["pruned"] == [NAME.format(number) for number in (4, 3, 2)]
    assert set(glance.images) == {"v0", "v1", "v5", "other", "young", "i"}


def test_one_that_cannot_go_stays(glance: Glance, clock: VirtualClock) -> None:
    for number in range(2):
        glance.add(f"v{number}", name=NAME.format(number), created_at=str(number), bake_verified="true")
    glance.add("i", created_at="9")
    glance.cloud.on("DELETE /image/v2/images/v0", Answer(status=409, body={"message": "in use"}))
    assert do(promote_image.promote, glance, clock)["pruned"] == []


@pytest.mark.parametrize(
    ("keep", "used", "gone"),
    [(1, set(), ["b", "a"]), (2, set(), ["a"]), (3, set(), []), (1, {"a"}, ["b"]), (9, set(), [])],
)
def test_planning(keep: int, used: set[str], gone: list[str]) -> None:
    def image(name: str, protected: bool = False) -> Image:
        return Image(
            id=name, name=name, status="active", visibility="private", size=1, created=name, protected=protected
        )

    verified = [image("a"), image("b"), image("now")]
    assert [one.id for one in promote_image.plan_pruning(verified, "now", keep, used)] == gone
    assert promote_image.plan_pruning([image("a", protected=True), image("z")], "z", 1, set()) == []


def test_it_is_made_from_a_server_that_stops(glance: Glance, clock: VirtualClock) -> None:
    cloud = glance.cloud
    body = {"id": "s", "name": NAME.format(0), "OS-EXT-STS:task_state": None}
    cloud.on(
        "GET /compute/servers/s",
        Answer(body={"server": {**body, "status": "ACTIVE"}}),
        Answer(body={"server": {**body, "status": "SHUTOFF"}}),
    )
    cloud.on("GET /compute/servers/s/os-volume_attachments", Answer(body={"volumeAttachments": []}))

    def act(asked: Asked) -> Answer:
        if "createImage" in asked.body:
            glance.add("i", **asked.body["createImage"]["metadata"])
            return Answer(status=202, headers={"Location": f"{cloud.url}{PATH}"})
        return Answer(status=202)

    cloud.on("POST /compute/servers/s/action", act)
    given = {"SERVER": "s", "NAME": NAME.format(0), "PROPERTIES": json.dumps({"bake_recipe": "r"})}
    more = {"DISK_FORMAT": "raw", "STOP_SECONDS": "60", "TAGS": '["photo"]'}
    made = do(server_image.make, glance, clock, **given, **more)
    assert (made["image"], made["tags"], made["verified"]) == ("i", ["photo"], False)
    assert [step["name"] for step in made["steps"]] == ["stop", "image"]
    assert glance.images["i"]["bake_recipe"] == "r" and glance.images["i"]["bake_time"].startswith("20")
