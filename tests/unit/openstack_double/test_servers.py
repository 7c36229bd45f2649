"""Servers come, go and refuse as Nova's do."""

import base64
import json
from typing import Any

import pytest

from localcloud.openstack import life
from tests.unit.openstack_double.cloud import KEY, Caller


def reason(answer: tuple[int, Any]) -> str:
    (found,) = answer[1].values()
    return str(found["message"])


def test_a_server_is_built_with_its_volume_key_and_user_data(caller: Caller) -> None:
    assert caller.compute("POST", "/os-keypairs", {"keypair": {"name": "login", "public_key": KEY}})[0] == 200
    caller.ask("POST", "/latencies", {"boot": 0.3})
    asked = caller.asked_server(key_name="login", user_data=base64.b64encode(b"#cloud-config\n{}").decode())
    key = caller.compute("POST", "/servers", asked)[1]["server"]["id"]
    assert caller.shown(key)["status"] == "BUILD"
    assert caller.shown(key)["OS-EXT-STS:task_state"]
    caller.until(lambda: caller.shown(key)["status"] == "ACTIVE")
    shown = caller.shown(key)
    assert (shown["OS-EXT-STS:task_state"], shown["OS-EXT-STS:vm_state"], shown["image"]) == (None, "active", "")
    volume = caller.volume("GET", f"/volumes/{caller.root(key)}")[1]["volume"]
    assert (volume["status"], volume["attachments"][0]["server_id"]) == ("in-use", key)
    launch = caller.computers.launches[key]
    assert json.loads(launch.meta_data)["public-keys"] == [KEY]
    assert launch.user_data == b"#cloud-config\n{}"
    assert shown["addresses"]["default"][0]["addr"] == launch.address


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"flavorRef": "moon"}, "Flavor moon could not be found."),
        ({"key_name": "nobody"}, "Invalid key_name provided."),
        ({"networks": [{"uuid": "nowhere"}]}, "Network nowhere could not be found."),
        ({"networks": [{"port": "none"}]}, "Port none could not be found."),
        ({"security_groups": [{"name": "none"}]}, "Security group none not found for project local."),
        (
            {"block_device_mapping_v2": []},
            "Block Device Mapping is Invalid: You specified no image and no root volume.",
        ),
        ({"user_data": "no base 64!"}, "User data needs to be valid base 64."),
    ],
)
def test_what_is_unknown_is_refused_at_once(caller: Caller, changes: dict[str, Any], says: str) -> None:
    answer = caller.compute("POST", "/servers", caller.asked_server(**changes))
    assert (answer[0], reason(answer)) == (400, says)
    assert caller.compute("GET", "/servers/detail")[1]["servers"] == []
    assert caller.network("GET", "/ports")[1]["ports"] == []


def test_an_unknown_image_and_the_wrong_place_for_the_root_disk_are_refused(caller: Caller) -> None:
    asked = caller.asked_server()
    root = asked["server"]["block_device_mapping_v2"][0]
    root["uuid"] = "none"
    answer = caller.compute("POST", "/servers", asked)
    assert (answer[0], reason(answer)) == (400, "Block Device Mapping is Invalid: failed to get image none.")
    asked = caller.asked_server()
    asked["server"]["block_device_mapping_v2"][0]["destination_type"] = "local"
    assert caller.compute("POST", "/servers", asked)[0] == 400


def test_a_full_quota_is_said(caller: Caller) -> None:
    caller.ask("POST", "/quotas", {"servers": 1})
    caller.server()
    answer = caller.compute("POST", "/servers", caller.asked_server("two"))
    assert answer[0] == 403
    assert reason(answer).startswith("Quota exceeded for instances: Requested 1, but already used 1 of 1")


def test_a_server_that_finds_no_host_is_in_error_and_can_be_removed(caller: Caller) -> None:
    caller.fault(on="server-error", name="^unlucky$")
    lucky = caller.server("lucky")
    key = caller.server("unlucky", status="ERROR")
    assert caller.shown(key)["fault"]["message"].startswith("No valid host was found.")
    assert caller.compute("DELETE", f"/servers/{key}")[0] == 204
    assert caller.compute("GET", f"/servers/{key}")[0] == 404
    assert caller.shown(lucky)["status"] == "ACTIVE"


def test_stop_and_start_and_what_they_refuse(caller: Caller) -> None:
    caller.ask("POST", "/latencies", {"stop": 0.3})
    key = caller.server()
    assert caller.act(key, "os-start")[0] == 409
    assert caller.act(key, "os-stop")[0] == 202
    assert caller.shown(key)["OS-EXT-STS:task_state"] == "powering-off"
    assert caller.act(key, "os-stop")[0] == 409
    caller.until(lambda: caller.shown(key)["status"] == "SHUTOFF")
    assert caller.computers.on == set()
    answer = caller.act(key, "os-stop")
    assert (answer[0], reason(answer)) == (409, f"Cannot 'stop' instance {key} while it is in vm_state stopped")
    assert caller.act(key, "os-start")[0] == 202
    caller.until(lambda: caller.shown(key)["status"] == "ACTIVE")
    assert caller.act(key, "os-explode")[0] == 400


def test_a_guest_that_switched_itself_off_is_found_off(caller: Caller) -> None:
    key = caller.server()
    life.notice(caller.cloud, {key})
    assert caller.shown(key)["status"] == "SHUTOFF"


def test_a_hanging_stop_ends_with_the_server(caller: Caller) -> None:
    key = caller.server()
    caller.fault(on="stop-hangs")
    assert caller.act(key, "os-stop")[0] == 202
    assert caller.shown(key)["status"] == "ACTIVE"
    assert caller.compute("DELETE", f"/servers/{key}")[0] == 204
    caller.until(lambda: caller.compute("GET", f"/servers/{key}")[0] == 404)


def test_a_server_goes_with_its_volume_and_leaves_the_port_it_was_given(caller: Caller) -> None:
    network = caller.network("GET", "/networks?name=default")[1]["networks"][0]["id"]
    port = caller.network("POST", "/ports", {"port": {"network_id": network, "name": "one"}})[1]["port"]["id"]
    key = caller.server(networks=[{"port": port}])
    volume = caller.root(key)
    assert caller.compute("POST", "/servers", caller.asked_server("two", networks=[{"port": port}]))[0] == 409
    assert caller.volume("DELETE", f"/volumes/{volume}")[0] == 400
    assert caller.compute("DELETE", f"/servers/{key}")[0] == 204
    caller.until(lambda: caller.compute("GET", f"/servers/{key}")[0] == 404)
    assert caller.volume("GET", f"/volumes/{volume}")[0] == 404
    assert caller.network("GET", f"/ports/{port}")[1]["port"]["device_id"] == ""
    assert caller.computers.launches == {}


def test_a_volume_that_is_to_stay_stays_with_its_data(caller: Caller) -> None:
    asked = caller.asked_server()
    asked["server"]["block_device_mapping_v2"][0]["delete_on_termination"] = False
    key = caller.compute("POST", "/servers", asked)[1]["server"]["id"]
    caller.until(lambda: caller.shown(key)["status"] == "ACTIVE")
    volume = caller.root(key)
    caller.compute("DELETE", f"/servers/{key}")
    caller.until(lambda: caller.compute("GET", f"/servers/{key}")[0] == 404)
    assert caller.volume("GET", f"/volumes/{volume}")[1]["volume"]["status"] == "available"
    assert caller.computers.disks == [volume]
    root = {"uuid": volume, "source_type": "volume", "destination_type": "volume", "boot_index": 0}
    assert caller.server("again", block_device_mapping_v2=[root])
    assert [launch.disk for launch in caller.computers.launches.values()] == [f"infra-release/openstack:{volume}"]


def test_metadata_is_added_replaced_and_removed(caller: Caller) -> None:
    key = caller.server(metadata={"a": "1"})
    place = f"/servers/{key}/metadata"
    assert caller.compute("POST", place, {"metadata": {"b": "2"}})[1] == {"metadata": {"a": "1", "b": "2"}}
    assert caller.compute("DELETE", f"{place}/a")[0] == 204
    assert caller.compute("DELETE", f"{place}/a")[0] == 404
    assert caller.compute("PUT", place, {"metadata": {"c": "3"}})[1] == {"metadata": {"c": "3"}}
    assert caller.compute("POST", place, {"metadata": {"n": 1}})[0] == 400


def test_a_key_pair_needs_a_name_and_a_key_of_its_own(caller: Caller) -> None:
    asked = {"keypair": {"name": "login", "public_key": KEY}}
    assert caller.compute("POST", "/os-keypairs", asked)[0] == 200
    assert caller.compute("POST", "/os-keypairs", asked)[0] == 409
    assert caller.compute("POST", "/os-keypairs", {"keypair": {"name": "x", "public_key": "no"}})[0] == 400
    assert caller.compute("DELETE", "/os-keypairs/login")[0] == 202
    assert caller.compute("GET", "/os-keypairs/login")[0] == 404


def test_host_keys_are_others_than_the_user_data_says_when_that_is_wanted(caller: Caller) -> None:
    caller.fault(on="other-host-key")
    told = {"ssh_keys": {"ed25519_private": "x"}, "package_update": False}
    user_data = base64.b64encode(b"#cloud-config\n" + json.dumps(told).encode()).decode()
    key = caller.server(user_data=user_data)
    assert b"ssh_keys" not in caller.computers.launches[key].user_data
    assert b"package_update" in caller.computers.launches[key].user_data
