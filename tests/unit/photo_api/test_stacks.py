"""The stacks under strict mocks: the graph of a bake, what a test promotes, and that nothing is made without need."""

import json
from pathlib import Path
from typing import Any

import pulumi
import pulumi_openstack as openstack
import pytest

from components.release.clearing import Clearing
from stacks import photo_api
from stacks.config_reader import ConfigError
from tests.unit.engine_double import Engine
from tests.unit.photo_api.test_recipe import tree as tree
from tests.unit.photo_api.test_settings import read

BASE = {"openstack:images/getImage:getImage": {"id": "base-1"}}
NONE: dict[str, Any] = {"openstack:images/getImageIds:getImageIds": {"ids": []}}
FOUND = {"openstack:images/getImageIds:getImageIds": {"ids": ["image-9", "image-8"]}}
SERVER = {
    ("openstack:compute/instance:Instance", "{}-server"),
    ("openstack:compute/keypair:Keypair", "{}-key"),
    ("openstack:networking/floatingIp:FloatingIp", "{}-address"),
    ("openstack:networking/port:Port", "{}-port"),
    ("openstack:networking/secGroup:SecGroup", "{}-group"),
    ("openstack:networking/secGroupRule:SecGroupRule", "{}-port-22"),
}


@pytest.fixture(autouse=True)
def without_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's mocks know no hooks; the cloud tests meet them."""
    monkeypatch.setattr(Clearing, "before", lambda *_: None)


def declared(environment: str = "bake", answers: dict[str, Any] | None = None, **values: Any) -> Engine:
    engine = Engine(stack=f"photo-api.{environment}", answers={**BASE, **NONE, **(answers or {})})
    engine.last_outputs = values.pop("outputs", {})
    return engine.run(lambda: photo_api.declare(read(environment, **values)))


@pytest.fixture
def bake(tree: Path) -> Engine:
    return declared(source=str(tree), secrets={"JWT_SECRET": "PHOTO_API_JWT"}, tags=["photo"])


def command(engine: Engine, name: str) -> dict[str, Any]:
    environment: dict[str, Any] = engine.one("command:local:Command", name).inputs["environment"]
    return environment


def test_a_bake_is_a_run_a_server_its_steps_and_an_image(bake: Engine) -> None:
    assert {(type_, name.format("bake")) for type_, name in SERVER} <= bake.names()
    steps = {name for type_, name in bake.names() if type_ == "command:local:Command"}
    assert steps == {f"bake-{step}" for step in ("wheels", "agents", "source", "prepare", "build", "summary")}
    assert {name for type_, name in bake.names() if "dynamic" in type_} == {"bake-run", "bake-image"}
    assert bake.exports["imageId"] == "image-1" and bake.exports["reused"] is False


def test_what_is_independent_waits_for_the_run_only(bake: Engine) -> None:
    for step in ("wheels", "agents", "source"):
        dependencies = bake.one("command:local:Command", f"bake-{step}").dependencies
        assert {urn.rpartition("::")[2] for urn in dependencies} == {"bake-run"}
    prepare = bake.one("command:local:Command", "bake-prepare")
    assert not {urn for urn in prepare.dependencies if urn.endswith(("wheels", "agents", "source"))}
    build = {urn.rpartition("::")[2] for urn in bake.one("command:local:Command", "bake-build").dependencies}
    assert {"bake-prepare", "bake-wheels", "bake-agents", "bake-source"} <= build
    image = bake.one("pulumi-python:dynamic:Resource", "bake-image")
    assert any(urn.endswith("::bake-build") for urn in image.dependencies)


def test_everything_of_the_server_carries_the_runs_name_and_goes_with_the_stack(bake: Engine) -> None:
    for type_, name in SERVER:
        made = bake.one(type_, name.format("bake"))
        assert "photo-api-bake-1" in (made.inputs.get("name"), made.inputs.get("description")) or "Rule" in type_
        assert not made.retained
        assert any(urn.endswith("::bake-run") for urn in made.dependencies)


def test_the_image_stands_in_the_block_device_only(bake: Engine) -> None:
    server = bake.one("openstack:compute/instance:Instance").inputs
    assert "imageId" not in server and "imageName" not in server
    (disk,) = server["blockDevices"]
    assert (disk["uuid"], disk["destinationType"], disk["deleteOnTermination"]) == ("base-1", "volume", True)
    assert server["metadata"] == {"bake_run": "photo-api-bake-1", "bake_keep": "false"}
    assert bake.one("openstack:compute/instance:Instance").ignored == ("powerState",)


def test_the_host_key_is_known_before_the_server_is(bake: Engine) -> None:
    data = bake.one("openstack:compute/instance:Instance").inputs["userData"]
    given = json.loads(data.removeprefix("#cloud-config\n"))
    assert given["ssh_keys"] == {"ed25519_private": "host", "ed25519_public": "ssh-ed25519 H"}
    assert given["ssh_deletekeys"] is True and given["package_update"] is False
    assert command(bake, "bake-build")["HOST_KEY"] == "ssh-ed25519 H"


def test_the_door_is_open_for_the_runner_only(bake: Engine) -> None:
    rule = bake.one("openstack:networking/secGroupRule:SecGroupRule").inputs
    assert (rule["remoteIpPrefix"], rule["portRangeMin"], rule["portRangeMax"]) == ("198.51.100.7/32", 22, 22)


def test_the_build_is_told_names_of_secrets_and_no_values(bake: Engine) -> None:
    environment = command(bake, "bake-build")
    assert environment["SECRETS"] == '{"JWT_SECRET": "PHOTO_API_JWT"}'
    assert not any(
        "PASSWORD" in name for made in bake.of("command:local:Command") for name in made.inputs["environment"]
    )
    assert "password" not in bake.one("pulumi:providers:openstack").inputs
    assert environment["OS_TENANT_ID"] == "0123abcd" and environment["PAYLOAD"] == "application"


def test_the_image_tells_where_it_comes_from(bake: Engine) -> None:
    image = bake.one("pulumi-python:dynamic:Resource", "bake-image").inputs
    assert set(image["properties"]) == {"bake_recipe", "bake_commit", "bake_requirements", "bake_base"}
    assert image["tags"] == ["photo"] and image["settings"]["VISIBILITY"] == "private"


def test_a_recipe_that_is_baked_and_verified_makes_nothing(tree: Path) -> None:
    engine = declared(answers=FOUND, source=str(tree))
    assert {type_ for type_, _ in engine.names()} == {"pulumi:providers:openstack"}
    assert engine.exports["imageId"] == "image-9" and engine.exports["reused"] is True


def test_stages_that_are_turned_off_are_not_there(tree: Path) -> None:
    engine = declared(source=str(tree), profile="minimal")
    steps = {name for type_, name in engine.names() if type_ == "command:local:Command"}
    assert steps == {f"bake-{step}" for step in ("source", "prepare", "build", "summary")}
    environment = command(engine, "bake-build")
    assert (environment["OFFLINE"], environment["LOG_AGENT"], environment["NODE_EXPORTER"]) == ("false", "none", "")
    assert environment["WHEELS"] == environment["AGENTS"] == ""


def test_what_is_kept_on_purpose_outlives_the_stack(tree: Path) -> None:
    engine = declared(source=str(tree), skipCleanup=True)
    assert all(engine.one(type_, name.format("bake")).retained for type_, name in SERVER)
    assert engine.one("openstack:compute/instance:Instance").inputs["metadata"]["bake_keep"] == "true"


def test_a_local_disk_is_asked_for_where_the_flavor_has_one(tree: Path) -> None:
    server = declared(source=str(tree), volumeSizeGb=0).one("openstack:compute/instance:Instance").inputs
    assert server["blockDevices"][0]["destinationType"] == "local" and "volumeSize" not in server["blockDevices"][0]
    assert server["imageId"] == server["blockDevices"][0]["uuid"] == "base-1"


def test_a_base_image_holds_no_application_and_is_promoted_at_once() -> None:
    engine = declared("base")
    steps = {name for type_, name in engine.names() if type_ == "command:local:Command"}
    assert steps == {f"base-{step}" for step in ("agents", "prepare", "build", "summary")}
    assert command(engine, "base-build")["PAYLOAD"] == "base"
    promotion = engine.one("pulumi-python:dynamic:Resource", "base-promotion")
    assert promotion.inputs["checks"] == "none" and promotion.inputs["image"] == "image-1"


def test_a_bake_starts_from_the_base_stacks_image(tree: Path) -> None:
    engine = declared(source=str(tree), baseImage="photo-api.base", outputs={"imageId": "base-7"})
    assert engine.one("openstack:compute/instance:Instance").inputs["blockDevices"][0]["uuid"] == "base-7"
    with pytest.raises(ConfigError, match=r"baseImage is photo-api.base, which has no image yet"):
        declared(source=str(tree), baseImage="photo-api.base")


def test_a_base_image_by_id_is_not_looked_up(tree: Path) -> None:
    engine = declared(source=str(tree), baseImage="0" * 32)
    assert "openstack:images/getImage:getImage" not in engine.calls


def test_a_test_promotes_what_passed_every_check() -> None:
    engine = declared("test", outputs={"imageId": "image-1", "reused": False})
    assert {(type_, name.format("test")) for type_, name in SERVER} <= engine.names()
    ports = {made.inputs["portRangeMin"] for made in engine.of("openstack:networking/secGroupRule:SecGroupRule")}
    assert ports == {22, 8000, 9100}
    names = "services,health,leftovers,root,metrics,node_exporter,log_agent,time"
    assert command(engine, "test-checks")["CHECKS"] == names
    promotion = engine.one("pulumi-python:dynamic:Resource", "test-promotion")
    assert any(urn.endswith("::test-checks") for urn in promotion.dependencies)
    assert (promotion.inputs["image"], promotion.inputs["checks"]) == ("image-1", "health")


def test_a_verified_image_is_tested_again_only_when_that_is_asked_for() -> None:
    reused = {"imageId": "image-1", "reused": True}
    assert declared("test", outputs=reused).of("openstack:compute/instance:Instance") == []
    assert declared("test", outputs=reused, retest=True).of("openstack:compute/instance:Instance")
    assert declared("test", bakeStack=None, image="0" * 32).of("openstack:compute/instance:Instance")


def test_a_test_without_promotion_leaves_the_image_as_it_is() -> None:
    engine = declared("test", outputs={"imageId": "image-1"}, promote=False)
    assert {name for type_, name in engine.names() if "dynamic" in type_} == {"test-run"}


def test_without_a_test_server_the_image_is_promoted_unseen() -> None:
    engine = declared("test", outputs={"imageId": "image-1"}, profile="minimal")
    assert {name for type_, name in engine.names() if type_ != "pulumi:providers:openstack"} == {
        "test",
        "test-promotion",
    }
    assert engine.one("pulumi-python:dynamic:Resource").inputs["checks"] == "none"


def test_a_bake_without_an_image_cannot_be_tested() -> None:
    with pytest.raises(ConfigError, match=r"bakeStack is photo-api.bake, which has no image yet"):
        declared("test")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Expected HTTP response code [200 203], but got 401 instead", "the password in OS_PASSWORD is wrong"),
        ("Missing input for argument [Password]", "OS_PASSWORD is not set"),
        ("Your query returned no results. Please change", "there is no active image of that name"),
        ("1 error occurred: * something else", "something else"),
    ],
)
def test_refused_questions_are_one_sentence(monkeypatch: pytest.MonkeyPatch, said: str, told: str) -> None:
    def refuse(**_: object) -> None:
        raise RuntimeError(said)

    monkeypatch.setattr(openstack.images, "get_image", refuse)
    with pytest.raises(pulumi.RunError, match=f"OpenStack does not tell of the image ubuntu: .*{told}"):
        declared("base")
