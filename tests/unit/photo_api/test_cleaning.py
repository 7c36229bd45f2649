"""What carries the name of a run is found and removed, in any order it goes; what is left is a failure by name."""

import time
from pathlib import Path
from typing import Any

import pytest

from actions import begin_run, end_run
from actions.errors import PreflightFailed, ReleaseError
from actions.openstack import run_names
from actions.openstack.clearing import Clearing
from actions.progress import Progress
from tests.unit.photo_api.openstack_server import Answer, Asked, Scripted, environment
from tests.virtual_clock import VirtualClock

KIND = "photo-api-bake"
RUN = run_names.fresh(KIND, "0123abcd" * 8)
OTHER = run_names.fresh(KIND, "0123abcd" * 8)
OLD = f"{KIND}-0123abcd-{int(time.time()) - 10 * 3600:08x}00000000"


class World:
    """Things with names that a project holds; a removal is refused while something stands on the thing."""

    def __init__(self, cloud: Scripted) -> None:
        self.cloud = cloud
        self.things: dict[str, dict[str, dict[str, Any]]] = {
            kind: {} for kind in ("servers", "ports", "floatingips", "security-groups", "keypairs", "images", "volumes")
        }
        self.stuck: set[str] = set()
        self._routes()

    def add(self, kind: str, identity: str, **facts: Any) -> None:
        self.things[kind][identity] = {"id": identity, **facts}
        path = {"servers": "/compute/servers", "keypairs": "/compute/os-keypairs", "images": "/image/v2/images"}
        base = path.get(kind) or ("/volume/volumes" if kind == "volumes" else f"/network/v2.0/{kind}")
        self.cloud.on(f"DELETE {base}/{identity}", lambda _asked: self._remove(kind, identity))
        if kind == "servers":
            volumes = [{"volumeId": volume, "device": "/dev/vda"} for volume in facts.get("volumes", [])]
            attached = Answer(body={"volumeAttachments": volumes})
            self.cloud.on(f"GET {base}/{identity}/os-volume_attachments", attached)
        if kind == "volumes":
            self.cloud.on(f"GET {base}/{identity}", lambda _asked: self._volume(identity))

    def _routes(self) -> None:
        lists = {
            "GET /compute/servers/detail": ("servers", "servers"),
            "GET /network/v2.0/ports": ("ports", "ports"),
            "GET /network/v2.0/floatingips": ("floatingips", "floatingips"),
            "GET /network/v2.0/security-groups": ("security-groups", "security_groups"),
            "GET /image/v2/images": ("images", "images"),
            "GET /volume/volumes/detail": ("volumes", "volumes"),
        }
        for request, (kind, key) in lists.items():
            self.cloud.on(request, self._listing(kind, key))
        self.cloud.on("GET /volume/snapshots/detail", Answer(body={"snapshots": []}))
        self.cloud.on(
            "GET /compute/os-keypairs",
            lambda _asked: Answer(body={"keypairs": [{"keypair": one} for one in self.things["keypairs"].values()]}),
        )

    def _listing(self, kind: str, key: str) -> Any:
        return lambda _asked: Answer(body={key: list(self.things[kind].values())})

    def _volume(self, identity: str) -> Answer:
        found = self.things["volumes"].get(identity)
        return Answer(body={"volume": found}) if found else Answer(status=404)

    def _remove(self, kind: str, identity: str) -> Answer:
        needed = {"security-groups": "ports", "volumes": "servers", "ports": "servers"}.get(kind)
        if identity in self.stuck or (needed and self.things[needed]):
            return Answer(status=409, body={"NeutronError": {"message": f"{identity} is in use"}})
        return Answer(status=204 if self.things[kind].pop(identity, None) else 404)

    def a_run(self, run: str, **server: Any) -> None:
        self.add("servers", f"server-{run}", name=run, status="ACTIVE", volumes=[f"volume-{run}"], **server)
        self.add("volumes", f"volume-{run}", name="", status="in-use")
        self.add("ports", f"port-{run}", name=run)
        self.add("floatingips", f"ip-{run}", floating_ip_address="192.0.2.7", port_id=f"port-{run}", description="")
        self.add("security-groups", f"group-{run}", name=run)
        self.add("keypairs", run, name=run)
        self.add("images", f"image-{run}", name=run, status="saving", owner="tenant-1")

    def left(self) -> set[str]:
        return {identity for kind in self.things.values() for identity in kind}


@pytest.fixture
def world(cloud: Scripted) -> World:
    return World(cloud)


def end(world: World, clock: VirtualClock, **more: str) -> dict[str, Any]:
    given = {**environment(world.cloud), "RUN": RUN, "CLEANUP_SECONDS": "60", **more}
    return end_run.end(given, clock, Progress())


def test_everything_of_a_run_goes_and_nothing_else(world: World, clock: VirtualClock) -> None:
    world.a_run(RUN)
    world.add("servers", "somebody", name="somebody's", status="ACTIVE")
    world.things["servers"].pop("somebody")  # nothing else may stand in the way of ports in this double
    world.add("keypairs", OTHER, name=OTHER)
    assert len(end(world, clock)["removed"]) == 7
    assert world.left() == {OTHER}


def test_a_volume_that_outlives_its_server_is_not_forgotten(world: World, clock: VirtualClock) -> None:
    world.a_run(RUN)
    world.stuck.add(f"volume-{RUN}")
    clock.at(20.0, world.stuck.clear)
    end(world, clock)
    assert world.left() == set() and clock.now() >= 20.0


def test_a_verified_image_stays(world: World, clock: VirtualClock) -> None:
    world.add("images", "good", name=RUN, status="active", owner="tenant-1", bake_verified="true")
    assert end(world, clock)["removed"] == []
    assert world.left() == {"good"}


def test_what_is_left_is_a_failure_by_name(world: World, clock: VirtualClock) -> None:
    world.a_run(RUN)
    world.stuck.add(f"group-{RUN}")
    with pytest.raises(ReleaseError, match=f"left after 60 s: security group group-{RUN}: .*is in use"):
        end(world, clock)


def test_a_run_that_is_kept_tells_how_to_reach_and_to_remove_it(
    world: World, clock: VirtualClock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.a_run(RUN)
    kept = end(world, clock, KEEP="true", CACHE=str(tmp_path), LOGIN_KEY="the key\n", SSH_USER="ubuntu")
    assert len(kept["kept"]) >= 6 and len(world.left()) == 7
    key = tmp_path / f"{RUN}.key"
    assert key.read_text() == "the key\n" and key.stat().st_mode & 0o777 == 0o600
    said = capsys.readouterr().err
    assert f"ssh -i {key} ubuntu@192.0.2.7" in said and f"python -m actions.end_run {RUN}" in said


def test_before_something_is_made_again_what_is_in_its_way_goes(world: World) -> None:
    world.a_run(RUN)
    clearing = Clearing(environment(world.cloud))
    clearing.clear("key pair", RUN)
    clearing.clear("floating IP", RUN)
    assert {RUN, f"ip-{RUN}"}.isdisjoint(world.left()) and f"server-{RUN}" in world.left()
    clearing.clear("key pair", RUN)


def ready(world: World) -> None:
    world.cloud.on("GET /image/v2/images/base", Answer(body={"id": "base", "name": "ubuntu", "status": "active"}))
    flavor = {"id": "f", "name": "m2.c2m4", "vcpus": 2, "ram": 4096}
    world.cloud.on("GET /compute/flavors/detail", Answer(body={"flavors": [flavor]}))
    limits = {"maxTotalInstances": 10, "totalInstancesUsed": 9, "maxTotalCores": -1}
    world.cloud.on("GET /compute/limits", Answer(body={"limits": {"absolute": limits}}))
    networks = [{"id": "n1", "name": "default"}, {"id": "n2", "name": "public"}]
    world.cloud.on("GET /network/v2.0/networks", Answer(body={"networks": networks}))


def begin(world: World, clock: VirtualClock, **changed: str) -> dict[str, Any]:
    given = {
        **environment(world.cloud),
        "KIND": KIND,
        "RECIPE": "0123abcd" * 8,
        "IMAGE": "base",
        "FLAVOR": "m2.c2m4",
        "NETWORK": "n1",
        "POOL": "public",
        "SECRETS": '{"JWT_SECRET": "PHOTO_API_JWT"}',
        "PHOTO_API_JWT": "hush",
        "SWEEP_HOURS": "6",
        "CLEANUP_SECONDS": "60",
        "RUNNER_CIDR": "198.51.100.7/32",
        **changed,
    }
    return begin_run.begin(given, clock, Progress())


def test_a_run_begins_with_a_name_of_its_own_and_fresh_keys(world: World, clock: VirtualClock) -> None:
    ready(world)
    first, second = begin(world, clock), begin(world, clock)
    assert first["run"].startswith(f"{KIND}-0123abcd-") and first["run"] != second["run"]
    assert first["host_key"] != first["login_key"] != second["login_key"]
    assert first["login_public"].startswith("ssh-ed25519 ") and "OPENSSH PRIVATE KEY" in first["login_key"]
    assert (first["network_id"], first["pool"], first["cidr"]) == ("n1", "public", "198.51.100.7/32")
    assert world.left() == set()


def test_it_sweeps_what_is_old_and_leaves_what_is_young_or_kept(world: World, clock: VirtualClock) -> None:
    ready(world)
    kept = f"{KIND}-0123abcd-{int(time.time()) - 20 * 3600:08x}00000001"
    for run in (OLD, kept, OTHER):
        world.add("keypairs", run, name=run)
    world.add("keypairs", "mine", name="mine")
    world.add("servers", "kept", name=kept, status="ACTIVE", metadata={"bake_keep": "true", "bake_run": kept})
    begin(world, clock)
    assert world.left() == {kept, OTHER, "mine", "kept"}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"FLAVOR": "m9"}, "flavor: there is no m9, only m2.c2m4"),
        ({"NETWORK": "lan"}, "network: there is no lan, only default, public"),
        ({"POOL": "world"}, "pool: there is no world, only default, public"),
        ({"IMAGE": "none"}, "image: none must be an active image, but there is none"),
        ({"PHOTO_API_JWT": ""}, "secrets: PHOTO_API_JWT must be in the environment"),
    ],
)
def test_what_is_missing_is_named_before_anything_is_made(
    world: World, clock: VirtualClock, changed: dict[str, str], sentence: str
) -> None:
    ready(world)
    with pytest.raises(PreflightFailed, match=sentence):
        begin(world, clock, **changed)
    assert not [asked for asked in world.cloud.asked if asked.method != "GET" and "tokens" not in asked.path]


def test_an_exceeded_quota_is_told_with_its_figures(world: World, clock: VirtualClock) -> None:
    ready(world)
    limits = {"maxTotalInstances": 10, "totalInstancesUsed": 10}
    world.cloud.on("GET /compute/limits", Answer(body={"limits": {"absolute": limits}}))
    with pytest.raises(PreflightFailed, match="10 of 10 servers are used, and 1 are needed"):
        begin(world, clock)


def test_a_runners_address_that_nobody_tells_ends_the_run(world: World, clock: VirtualClock) -> None:
    ready(world)
    world.cloud.on("GET /address", Answer(status=500))
    with pytest.raises(ReleaseError, match="does not tell this runner's address"):
        begin(world, clock, RUNNER_CIDR="", ADDRESS_URL=f"{world.cloud.url}/address")


def test_the_age_of_a_run_lies_in_its_name() -> None:
    assert (run_names.age(OLD, KIND, time.time()) or 0) > 9 * 3600
    assert run_names.age(OLD, "photo-api-test", time.time()) is None
    assert run_names.age("photo-api-bake-by-hand", KIND, time.time()) is None


def asked_paths(asked: list[Asked]) -> list[str]:
    return [f"{one.method} {one.path}" for one in asked]
