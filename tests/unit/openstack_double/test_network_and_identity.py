"""Networks refuse what is in use, tokens end, and faults come when they are called."""

from pathlib import Path
from typing import Any

import pytest
import requests

from localcloud.openstack import forwarding, time_server
from tests.unit.openstack_double.cloud import PASSWORD, Caller


def make(caller: Caller, many: str, one: str, **fields: Any) -> str:
    code, body = caller.network("POST", f"/{many}", {one: fields})
    assert code == 201, body
    return str(body[one]["id"])


def network(caller: Caller, name: str) -> str:
    return str(caller.network("GET", f"/networks?name={name}")[1]["networks"][0]["id"])


def rule(group: str, port: int, prefix: str = "127.0.0.1/32") -> dict[str, Any]:
    ports = {"port_range_min": port, "port_range_max": port, "protocol": "tcp", "remote_ip_prefix": prefix}
    return {"direction": "ingress", "ethertype": "IPv4", "security_group_id": group, **ports}


def test_what_is_in_use_is_not_removed(caller: Caller) -> None:
    group = make(caller, "security-groups", "security_group", name="g")
    port = make(caller, "ports", "port", network_id=network(caller, "default"), security_groups=[group])
    answer = caller.network("DELETE", f"/security-groups/{group}")
    assert (answer[0], answer[1]["NeutronError"]["type"]) == (409, "SecurityGroupInUse")
    assert caller.network("DELETE", f"/networks/{network(caller, 'default')}")[0] == 409
    floating = make(caller, "floatingips", "floatingip", floating_network_id=network(caller, "public"), port_id=port)
    shown = caller.network("GET", f"/floatingips/{floating}")[1]["floatingip"]
    assert (shown["status"], shown["floating_ip_address"]) == ("ACTIVE", "127.0.9.1")
    again = {"floatingip": {"floating_network_id": network(caller, "public"), "port_id": port}}
    assert caller.network("POST", "/floatingips", again)[0] == 409
    assert caller.network("DELETE", f"/ports/{port}")[0] == 204
    assert caller.network("GET", f"/floatingips/{floating}")[1]["floatingip"]["status"] == "DOWN"
    assert caller.network("DELETE", f"/security-groups/{group}")[0] == 204
    assert caller.network("DELETE", f"/floatingips/{floating}")[0] == 204
    assert caller.network("GET", f"/floatingips/{floating}")[0] == 404


def test_a_rule_is_there_once_and_its_ports_make_sense(caller: Caller) -> None:
    group = make(caller, "security-groups", "security_group", name="g")
    key = make(caller, "security-group-rules", "security_group_rule", **rule(group, 22))
    assert caller.network("POST", "/security-group-rules", {"security_group_rule": rule(group, 22)})[0] == 409
    assert caller.network("POST", "/security-group-rules", {"security_group_rule": rule(group, 99999)})[0] == 400
    assert caller.network("POST", "/security-group-rules", {"security_group_rule": rule(group, 23, "x/y")})[0] == 400
    rules = caller.network("GET", f"/security-groups/{group}")[1]["security_group"]["security_group_rules"]
    assert key in [found["id"] for found in rules]
    assert caller.network("DELETE", f"/security-group-rules/{key}")[0] == 204


def test_only_what_a_rule_allows_is_let_in(caller: Caller) -> None:
    group = make(caller, "security-groups", "security_group", name="g")
    make(caller, "security-group-rules", "security_group_rule", **rule(group, 22))
    port = {"security_groups": [group]}
    assert forwarding.allows(caller.cloud, port, 22, "127.0.0.1")
    assert not forwarding.allows(caller.cloud, port, 22, "127.0.0.2")
    assert not forwarding.allows(caller.cloud, port, 8000, "127.0.0.1")


@pytest.mark.parametrize(
    ("kind", "path", "body"),
    [
        ("ports", "/ports", {"port": {"network_id": "INNER"}}),
        ("groups", "/security-groups", {"security_group": {"name": "x"}}),
        ("floating_ips", "/floatingips", {"floatingip": {"floating_network_id": "OUTER"}}),
    ],
)
def test_quotas_of_the_network_are_conflicts(caller: Caller, kind: str, path: str, body: dict[str, Any]) -> None:
    names = {"INNER": network(caller, "default"), "OUTER": network(caller, "public")}
    ((word, fields),) = body.items()
    asked = {word: {name: names.get(value, value) for name, value in fields.items()}}
    caller.ask("POST", "/quotas", {kind: 0})
    answer = caller.network("POST", path, asked)
    assert (answer[0], answer[1]["NeutronError"]["type"]) == (409, "OverQuota")


def login(caller: Caller, password: str, **scope: Any) -> requests.Response:
    user = {"name": "local", "password": password, "domain": {"name": "Default"}}
    auth = {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": {"project": scope}}
    return requests.post(f"{caller.url}/identity/v3/auth/tokens", json={"auth": auth}, timeout=10)


def test_both_identities_give_tokens_to_who_knows_the_password(caller: Caller) -> None:
    answer = login(caller, PASSWORD, name="local", domain={"id": "default"})
    assert answer.status_code == 201
    caller.session.headers["X-Auth-Token"] = answer.headers["X-Subject-Token"]
    assert caller.compute("GET", "/servers")[0] == 200
    kinds = {service["type"] for service in answer.json()["token"]["catalog"]}
    assert {"compute", "image", "network", "volumev2", "volumev3"} <= kinds
    assert login(caller, "wrong", name="local").status_code == 401
    assert login(caller, PASSWORD, name="other").status_code == 401
    wrong = {"auth": {"tenantId": "local", "passwordCredentials": {"username": "local", "password": "x"}}}
    assert requests.post(f"{caller.url}/identity/v2.0/tokens", json=wrong, timeout=10).status_code == 401


def test_a_token_ends_when_it_is_told_to(caller: Caller) -> None:
    caller.fault(on="token-expires", path="servers")
    assert caller.image("GET", "")[0] == 200
    assert caller.compute("GET", "/servers")[0] == 401
    assert caller.image("GET", "")[0] == 401
    caller.session.headers["X-Auth-Token"] = caller.token()
    assert caller.compute("GET", "/servers")[0] == 200


def test_services_refuse_and_answers_get_lost(caller: Caller) -> None:
    caller.fault(on="too-many-requests", times=1, retryAfter=7)
    answer = caller.session.get(f"{caller.url}/image/v2/images", timeout=10)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    caller.fault(on="unavailable", times=2, method="POST")
    assert caller.image("GET", "")[0] == 200
    assert [caller.network("POST", "/security-groups", {"security_group": {"name": "a"}})[0] for _ in range(3)] == [
        503,
        503,
        201,
    ]
    caller.fault(on="lost-answer", method="POST", path="security-groups")
    with pytest.raises(requests.ConnectionError):
        caller.network("POST", "/security-groups", {"security_group": {"name": "b"}})
    assert len(caller.network("GET", "/security-groups?name=b")[1]["security_groups"]) == 1
    assert caller.ask("POST", "/faults", [{"on": "moon"}])[0] == 400
    caller.fault(on="unavailable")
    caller.ask("DELETE", "/faults")
    assert caller.image("GET", "")[0] == 200


def test_the_mirror_serves_its_files_and_no_others(caller: Caller, tmp_path: Path) -> None:
    (tmp_path / "mirror" / "a").mkdir(parents=True)
    (tmp_path / "mirror" / "a" / "file.tar.gz").write_bytes(b"content")
    (tmp_path / "secret").write_text("no")
    assert requests.get(f"{caller.url}/mirror/a/file.tar.gz", timeout=10).content == b"content"
    assert requests.get(f"{caller.url}/mirror/..%2Fsecret", timeout=10).status_code == 404


def test_what_the_cloud_does_not_know_is_said(caller: Caller) -> None:
    answer = caller.compute("GET", "/os-moons")
    assert answer == (404, {"itemNotFound": {"code": 404, "message": "The local cloud does not know GET /os-moons."}})


def test_the_time_is_told_in_ntps_words() -> None:
    question = bytes([0x23, 0, 6, 0xEC]) + bytes(36) + b"asked me"
    answer = time_server.reply(question, 1000.0)
    assert answer is not None
    assert (answer[0], answer[1], answer[24:32]) == (0x24, 3, b"asked me")
    assert int.from_bytes(answer[32:36], "big") == 1000 + time_server.EPOCH
    assert time_server.reply(b"short", 0.0) is None
