"""Images: how they come to be, how they fail, and the races in which they get lost."""

from pathlib import Path

import pytest

from tests.unit.openstack_double.cloud import Caller, Computers, cloud_of_tests


def test_a_volume_is_uploading_for_longer_than_its_image_is_not_active(caller: Caller) -> None:
    caller.ask("POST", "/latencies", {"image": 0.2, "settle": 0.4})
    volume = caller.root(caller.stopped())
    image = caller.upload(volume)
    assert caller.status_of_image(image) in ("queued", "saving")
    assert caller.volume("GET", f"/volumes/{volume}")[1]["volume"]["status"] == "uploading"
    caller.until(lambda: caller.status_of_image(image) == "active")
    assert caller.volume("GET", f"/volumes/{volume}")[1]["volume"]["status"] == "uploading"
    caller.until(lambda: caller.volume("GET", f"/volumes/{volume}")[1]["volume"]["status"] == "in-use")
    shown = caller.image("GET", f"/{image}")[1]
    assert (shown["visibility"], shown["min_disk"], shown["tags"]) == ("private", 20, ["_AVAILABLE_"])


def test_whoever_deletes_the_server_while_its_volume_is_uploaded_leaves_the_volume_behind(caller: Caller) -> None:
    caller.ask("POST", "/latencies", {"image": 0.1, "settle": 0.3})
    key = caller.stopped()
    volume = caller.root(key)
    image = caller.upload(volume)
    caller.compute("DELETE", f"/servers/{key}")
    caller.until(lambda: caller.compute("GET", f"/servers/{key}")[0] == 404)
    answer = caller.volume("DELETE", f"/volumes/{volume}")
    assert answer[0] == 400
    assert "uploading" in answer[1]["badRequest"]["message"]
    caller.until(lambda: caller.volume("GET", f"/volumes/{volume}")[1]["volume"]["status"] == "available")
    assert caller.status_of_image(image) == "active"
    assert caller.volume("DELETE", f"/volumes/{volume}")[0] == 202
    caller.until(lambda: caller.volume("GET", f"/volumes/{volume}")[0] == 404)


def test_an_upload_of_an_attached_volume_needs_force_and_only_one_goes_at_a_time(caller: Caller) -> None:
    caller.ask("POST", "/latencies", {"settle": 1})
    volume = caller.root(caller.server())
    asked = {"os-volume_upload_image": {"image_name": "x", "force": False}}
    assert caller.volume("POST", f"/volumes/{volume}/action", asked)[0] == 400
    caller.upload(volume)
    asked["os-volume_upload_image"]["force"] = True
    assert caller.volume("POST", f"/volumes/{volume}/action", asked)[0] == 400
    assert caller.volume("POST", "/snapshots", {"snapshot": {"volume_id": volume, "force": True}})[0] == 400


def test_create_image_is_for_local_disks_and_tells_the_image_in_its_location(caller: Caller) -> None:
    far = caller.server("far")
    assert caller.act(far, "createImage", {"name": "x"})[0] == 400
    near = caller.stopped("near", flavor="u2.small")
    path = f"{caller.url}/compute/v2/local/servers/{near}/action"
    asked = {"createImage": {"name": "baked", "metadata": {"bake_run": "r"}}}
    answer = caller.session.post(path, json=asked, timeout=10)
    assert (answer.status_code, answer.content) == (202, b"")
    image = answer.headers["Location"].rpartition("/")[2]
    assert caller.act(near, "createImage", {"name": "again"})[0] == 409
    caller.until(lambda: caller.status_of_image(image) == "active")
    assert caller.shown(near)["OS-EXT-STS:task_state"] == "image_uploading"
    caller.until(lambda: caller.shown(near)["OS-EXT-STS:task_state"] is None)
    shown = caller.image("GET", f"/{image}")[1]
    assert (shown["bake_run"], shown["instance_uuid"], shown["disk_format"]) == ("r", near, "qcow2")


def test_an_active_image_is_lost_with_a_server_that_is_not_done_with_it(caller: Caller) -> None:
    caller.ask("POST", "/latencies", {"settle": 2})
    key = caller.stopped(flavor="u2.small")
    caller.act(key, "createImage", {"name": "baked"})
    caller.until(lambda: len(caller.image("GET", "?name=baked&status=active")[1]["images"]) == 1)
    caller.compute("DELETE", f"/servers/{key}")
    assert caller.image("GET", "?name=baked")[1]["images"] == []


@pytest.mark.parametrize(
    ("fault", "end"),
    [("image-killed", "killed"), ("image-queued", "queued"), ("image-vanishes", "gone"), ("image-stuck", "saving")],
)
def test_an_image_may_fail_in_every_way(caller: Caller, fault: str, end: str) -> None:
    caller.ask("POST", "/latencies", {"image": 0.2, "settle": 0})
    volume = caller.root(caller.stopped())
    caller.fault(on=fault)
    image = caller.upload(volume)
    caller.until(lambda: caller.status_of_image(image) == "saving")
    caller.until(lambda: caller.status_of_image(image) == end)
    if end == "saving":
        assert caller.image("DELETE", f"/{image}")[0] == 409
        assert caller.volume("GET", f"/volumes/{volume}")[1]["volume"]["status"] == "uploading"
        return
    caller.until(lambda: caller.volume("GET", f"/volumes/{volume}")[1]["volume"]["status"] == "in-use")
    assert caller.computers.forgotten == [image]


def test_properties_tags_and_visibility_change_one_by_one(caller: Caller) -> None:
    image = caller.upload(caller.root(caller.stopped()))
    caller.until(lambda: caller.status_of_image(image) == "active")
    change = [
        {"op": "add", "path": "/bake_recipe", "value": "abc"},
        {"op": "replace", "path": "/visibility", "value": "shared"},
    ]
    assert caller.image("PATCH", f"/{image}", change)[1]["bake_recipe"] == "abc"
    assert [found["id"] for found in caller.image("GET", "?bake_recipe=abc&status=active")[1]["images"]] == [image]
    assert caller.image("GET", "?bake_recipe=other")[1]["images"] == []
    assert caller.image("PATCH", f"/{image}", [{"op": "replace", "path": "/status", "value": "queued"}])[0] == 403
    assert caller.image("PATCH", f"/{image}", [{"op": "replace", "path": "/visibility", "value": "public"}])[0] == 403
    assert caller.image("PATCH", f"/{image}", [{"op": "remove", "path": "/none"}])[0] == 409
    assert caller.image("PUT", f"/{image}/tags/good")[0] == 204
    assert caller.image("PUT", f"/{image}/tags/_MINE_")[0] == 403
    assert caller.image("PUT", f"/{image}/tags/_AVAILABLE_")[0] == 204
    assert caller.image("GET", f"/{image}")[1]["tags"] == ["_AVAILABLE_", "good"]
    assert caller.image("PATCH", f"/{image}", [{"op": "replace", "path": "/protected", "value": True}])[0] == 200
    assert caller.image("DELETE", f"/{image}")[0] == 403
    assert caller.image("PATCH", f"/{image}", [{"op": "replace", "path": "/protected", "value": False}])[0] == 200
    assert caller.image("DELETE", f"/{image}")[0] == 204
    assert caller.image("GET", f"/{image}")[0] == 404


def test_images_come_page_by_page(caller: Caller) -> None:
    volume = caller.root(caller.stopped())
    caller.ask("POST", "/latencies", {"settle": 0})
    for number in range(3):
        image = caller.upload(volume, f"baked-{number}")
        caller.until(lambda image=image: caller.status_of_image(image) == "active")  # type: ignore[misc]
        caller.until(lambda: caller.volume("GET", f"/volumes/{volume}")[1]["volume"]["status"] == "in-use")
    path, names = "/v2/images?limit=2&visibility=private", []
    while path:
        page = caller.ask("GET", f"/image{path}")[1]
        names += [found["name"] for found in page["images"]]
        path = page.get("next", "")
    assert sorted(names) == ["baked-0", "baked-1", "baked-2"]


def test_a_snapshot_can_be_booted_and_keeps_its_volume(caller: Caller) -> None:
    volume = caller.root(caller.stopped())
    key = caller.volume("POST", "/snapshots", {"snapshot": {"volume_id": volume, "force": True, "name": "s"}})[1]
    snapshot = key["snapshot"]["id"]
    caller.until(lambda: caller.volume("GET", f"/snapshots/{snapshot}")[1]["snapshot"]["status"] == "available")
    root = {"uuid": snapshot, "source_type": "snapshot", "destination_type": "volume", "boot_index": 0}
    assert caller.server("of-snapshot", block_device_mapping_v2=[root])
    assert caller.volume("DELETE", f"/snapshots/{snapshot}")[0] == 202


def test_a_public_image_that_was_made_anew_has_another_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, found = tmp_path / "world.json", []
    for content in ("sha256:first", "sha256:first", "sha256:second"):
        monkeypatch.setattr(Computers, "content", content)
        with cloud_of_tests(tmp_path, file) as caller:
            found.append([image["id"] for image in caller.image("GET", "?name=debian-12")[1]["images"]])
    assert found[0] == found[1] != found[2]
    assert [len(images) for images in found] == [1, 1, 1]


def test_a_cloud_that_was_killed_knows_its_things_and_what_it_left_undone_has_failed(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    with cloud_of_tests(tmp_path, file) as caller:
        key = caller.stopped()
        caller.ask("POST", "/latencies", {"image": 60})
        image = caller.upload(caller.root(key))
        token = str(caller.session.headers["X-Auth-Token"])
    with cloud_of_tests(tmp_path, file) as caller:
        caller.session.headers["X-Auth-Token"] = token
        assert caller.shown(key)["status"] == "SHUTOFF"
        assert caller.status_of_image(image) == "gone"
        assert caller.volume("GET", f"/volumes/{caller.root(key)}")[1]["volume"]["status"] == "in-use"
