"""An image made of a server: both ways, done only when all is settled, and every way in which it can fail."""

from typing import Any

import pytest

from actions.errors import ReleaseError
from actions.openstack.servers import Server, Servers
from actions.openstack.snapshot import Snapshot, Wanted
from actions.progress import Progress
from tests.unit.photo_api.openstack_server import Answer, Asked, Scripted, connect
from tests.virtual_clock import VirtualClock

RUN = "photo-api-bake-0123abcd-0123456789abcdef"
WANTED = Wanted(name=RUN, properties={"bake_recipe": "r"}, disk_format="raw", seconds=60.0)
SERVER = Server(id="s", name=RUN, status="SHUTOFF", task_state=None)
UPLOAD = "POST /volume/volumes/v/action"
SNAPSHOT = "POST /compute/servers/s/action"


def image(status: str, **more: Any) -> Answer:
    return Answer(body={"id": "i", "name": RUN, "status": status, "size": 5, "owner": "tenant-1", **more})


def server(status: str = "SHUTOFF", task: str | None = None, **more: Any) -> Answer:
    body = {"id": "s", "name": RUN, "status": status, "OS-EXT-STS:task_state": task, **more}
    return Answer(body={"server": body})


def volume(status: str) -> Answer:
    return Answer(body={"volume": {"id": "v", "name": "", "status": status}})


def prepare(cloud: Scripted, *, on_volume: bool = True) -> None:
    attached = [{"volumeId": "data", "device": "/dev/vdb"}, {"volumeId": "v", "device": "/dev/vda"}]
    cloud.on(
        "GET /compute/servers/s/os-volume_attachments",
        Answer(body={"volumeAttachments": attached if on_volume else []}),
    )
    cloud.on("GET /compute/servers/s", server())
    cloud.on("GET /volume/volumes/v", volume("in-use"))
    cloud.on("GET /image/v2/images", Answer(body={"images": []}))
    cloud.on("GET /image/v2/images/i", image("queued"), image("saving"), image("active"))
    cloud.on("PATCH /image/v2/images/i", Answer())
    cloud.on(UPLOAD, Answer(status=202, body={"os-volume_upload_image": {"image_id": "i", "status": "uploading"}}))
    cloud.on(SNAPSHOT, Answer(status=202, headers={"Location": f"{cloud.url}/image/v2/images/i"}))


def make(cloud: Scripted, clock: VirtualClock) -> Any:
    return Snapshot(connect(cloud), clock, Progress()).make(SERVER, WANTED)


def test_a_root_volume_is_uploaded_and_its_properties_are_set_afterwards(cloud: Scripted, clock: VirtualClock) -> None:
    prepare(cloud)
    assert make(cloud, clock).id == "i"
    asked = cloud.requests(UPLOAD)[0].body["os-volume_upload_image"]
    assert asked == {"image_name": RUN, "force": True, "disk_format": "raw", "container_format": "bare"}
    assert not cloud.requests(SNAPSHOT)
    patch = cloud.requests("PATCH")[0]
    assert patch.content_type == "application/openstack-images-v2.1-json-patch"
    assert patch.body == [{"op": "add", "path": "/bake_recipe", "value": "r"}]


def test_a_local_disk_is_imaged_by_nova(cloud: Scripted, clock: VirtualClock) -> None:
    prepare(cloud, on_volume=False)
    assert make(cloud, clock).id == "i"
    assert cloud.requests(SNAPSHOT)[0].body["createImage"]["name"] == RUN
    assert not cloud.requests(UPLOAD)


def test_newer_novas_tell_the_image_in_the_body(cloud: Scripted, clock: VirtualClock) -> None:
    prepare(cloud, on_volume=False)
    cloud.on(SNAPSHOT, Answer(status=202, body={"image_id": "i"}))
    assert make(cloud, clock).id == "i"


def test_active_is_not_done_while_nova_or_cinder_still_work(cloud: Scripted, clock: VirtualClock) -> None:
    prepare(cloud)
    cloud.on("GET /image/v2/images/i", image("active"))
    cloud.on("GET /compute/servers/s", server(task="image_uploading"), server(task="image_uploading"), server())
    cloud.on("GET /volume/volumes/v", volume("uploading"), volume("in-use"))
    make(cloud, clock)
    assert len(cloud.requests("GET /image/v2/images/i")) >= 4


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ([image("saving"), image("killed")], "image i failed: it is killed after it was saving"),
        ([image("saving"), image("queued")], "image i failed: it is queued after it was saving"),
        ([image("queued"), Answer(status=404)], "image i vanished while it was queued"),
        ([Answer(status=404)], "image i vanished"),
        ([image("saving")], "image i is not done after 60 s: it is saving"),
        ([image("active", size=0)], "image i is active and empty"),
    ],
)
def test_every_bad_end_is_a_sentence(
    cloud: Scripted, clock: VirtualClock, answers: list[Answer], sentence: str
) -> None:
    prepare(cloud)
    cloud.on("GET /image/v2/images/i", *answers)
    with pytest.raises(ReleaseError, match=sentence):
        make(cloud, clock)


def test_a_volume_that_fails_after_its_upload_is_a_failure(cloud: Scripted, clock: VirtualClock) -> None:
    prepare(cloud)
    cloud.on("GET /image/v2/images/i", image("active"))
    cloud.on("GET /volume/volumes/v", volume("error_uploading"))
    with pytest.raises(ReleaseError, match="volume v is error_uploading"):
        make(cloud, clock)


def test_an_image_may_appear_a_little_late(cloud: Scripted, clock: VirtualClock) -> None:
    prepare(cloud)
    missing = Answer(status=404)
    cloud.on("GET /image/v2/images/i", missing, missing, image("saving"), image("active"))
    assert make(cloud, clock).id == "i"


def listed(status: str) -> Answer:
    return Answer(body={"images": [image(status).body]})


def test_a_lost_answer_is_looked_for_by_name_before_anything_is_asked_again(
    cloud: Scripted, clock: VirtualClock
) -> None:
    prepare(cloud)
    cloud.on(UPLOAD, Answer(cut=True))
    cloud.on("GET /volume/volumes/v", volume("uploading"), volume("in-use"))
    cloud.on("GET /image/v2/images", Answer(body={"images": []}), listed("saving"))
    assert make(cloud, clock).id == "i"
    assert len(cloud.requests(UPLOAD)) == 1


def test_a_refusal_is_not_repeated(cloud: Scripted, clock: VirtualClock) -> None:
    prepare(cloud)
    cloud.on(UPLOAD, Answer(status=403, body={"forbidden": {"message": "Snapshot quota exceeded"}}))
    with pytest.raises(ReleaseError, match=r"no image is made of .*: volume refused .* 403 Snapshot quota exceeded"):
        make(cloud, clock)
    assert len(cloud.requests(UPLOAD)) == 1


def test_begun_again_it_goes_on_with_the_image_that_was_begun(cloud: Scripted, clock: VirtualClock) -> None:
    prepare(cloud)
    cloud.on("GET /image/v2/images", listed("active"))
    assert make(cloud, clock).id == "i"
    assert not cloud.requests("POST /volume")


def test_an_image_that_nobody_works_on_any_more_is_made_anew(cloud: Scripted, clock: VirtualClock) -> None:
    prepare(cloud)
    cloud.on("GET /image/v2/images", listed("queued"))
    cloud.on("DELETE /image/v2/images/i", Answer(status=204))
    make(cloud, clock)
    assert cloud.requests("DELETE /image/v2/images/i") and cloud.requests(UPLOAD)


def test_a_server_is_stopped_and_awaited(cloud: Scripted, clock: VirtualClock) -> None:
    cloud.on("GET /compute/servers/s", server("ACTIVE"), server("ACTIVE", "powering-off"), server())
    cloud.on(SNAPSHOT, Answer(status=202))
    assert Servers(connect(cloud), clock).stopped("s", 60.0).status == "SHUTOFF"
    assert cloud.requests(SNAPSHOT)[0].body == {"os-stop": None}


@pytest.mark.parametrize("meanwhile", [server(), server("ACTIVE", "powering-off")])
def test_one_that_stops_already_is_not_told_again(cloud: Scripted, clock: VirtualClock, meanwhile: Answer) -> None:
    cloud.on("GET /compute/servers/s", server("ACTIVE"), meanwhile, server())

    def refuse(_asked: Asked) -> Answer:
        return Answer(status=409, body={"conflictingRequest": {"message": "while it is in vm_state stopped"}})

    cloud.on(SNAPSHOT, refuse)
    assert Servers(connect(cloud), clock).stopped("s", 60.0).status == "SHUTOFF"


def test_a_stop_that_hangs_and_a_server_in_error_are_told(cloud: Scripted, clock: VirtualClock) -> None:
    cloud.on("GET /compute/servers/s", server("ACTIVE", "powering-off"))
    cloud.on(SNAPSHOT, Answer(status=202))
    with pytest.raises(ReleaseError, match="does not stop: after 60 s it is ACTIVE, task state powering-off"):
        Servers(connect(cloud), clock).stopped("s", 60.0)
    cloud.on("GET /compute/servers/s", server("ERROR", fault={"message": "No valid host"}))
    with pytest.raises(ReleaseError, match="is in ERROR: No valid host"):
        Servers(connect(cloud), clock).stopped("s", 60.0)
