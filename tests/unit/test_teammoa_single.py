"""TeamMoa on one host without a balancer: what a configuration may say, and what is declared of it."""

import json
from typing import Any

import pytest
import yaml

from actions.hosts.machine import Certificate
from actions.rolling import request
from stacks.config_reader import ConfigError
from stacks.teammoa import declare
from tests.unit.engine_double import Engine
from tests.unit.teammoa_config import NEEDED, settings
from tests.unit.test_teammoa import INGRESS, MANAGED, allowed, environment, needs

ONE: dict[str, Any] = {"balancer": False, "hostCount": 1}
NAMED: dict[str, Any] = {**ONE, "domain": "team.example.com", "letsEncrypt": {"email": "team@example.com"}}
NOTHING = "means nothing with balancer: false, so take it away"
BAD: list[tuple[dict[str, Any], str, str]] = [
    (
        {"balancer": False},
        "hostCount",
        "is missing, but must be 1: balancer is false, and nobody else shares users among hosts",
    ),
    (
        {"balancer": False, "hostCount": 2},
        "hostCount",
        "is 2, but must be 1: balancer is false, and nobody else shares users among hosts",
    ),
    ({**ONE, "stickiness": {"seconds": 60}}, "stickiness", NOTHING),
    ({**ONE, "certificateDomain": "a.example.com"}, "certificateDomain", NOTHING),
    ({**ONE, "idleTimeoutSeconds": 60}, "idleTimeoutSeconds", NOTHING),
    ({**ONE, "deregistrationDelaySeconds": 60}, "deregistrationDelaySeconds", NOTHING),
    ({**ONE, "instanceIds": ["i-1"]}, "instanceIds", NOTHING),
    ({**ONE, "healthCheck": {"intervalSeconds": 5}}, "healthCheck.intervalSeconds", NOTHING),
    ({**ONE, "rolling": {"waveSize": 1}}, "rolling.waveSize", NOTHING),
    ({**ONE, "alarms": {"errorCount": 5}}, "alarms.errorCount", NOTHING),
    (
        {**ONE, "domain": "a.example.com"},
        "letsEncrypt",
        "is missing, but domain is set: a name is served with its certificate, so set both",
    ),
    (
        {**ONE, "letsEncrypt": {"email": "a@b.cd"}},
        "domain",
        "is missing, but letsEncrypt is set: a name is served with its certificate, so set both",
    ),
    ({**NAMED, "letsEncrypt": {}}, "letsEncrypt.email", "is missing, but must be an e-mail address"),
    (
        {**NAMED, "letsEncrypt": {"email": "a@b.cd", "server": "http://a"}},
        "letsEncrypt.server",
        "is http://a, but must be the https address of an ACME directory",
    ),
    (
        {"letsEncrypt": {"email": "a@b.cd"}},
        "letsEncrypt",
        "is set, but the balancer ends TLS: use certificateDomain or balancer: false",
    ),
    ({"data": {"mode": "same"}}, "data.mode", "is same, but must be host or managed, or same with balancer: false"),
    (
        {**ONE, "data": {"volumeSize": 30}},
        "data.volumeSize",
        "is set, but mode is same: the one host has the volumeSize at the top, so take it away",
    ),
]


@pytest.mark.parametrize(("values", "key", "problem"), BAD, ids=[f"{key}-{n}" for n, (_, key, _) in enumerate(BAD)])
def test_a_bad_value_is_told_in_one_sentence(values: dict[str, Any], key: str, problem: str) -> None:
    with pytest.raises(ConfigError) as raised:
        settings(**values)
    assert str(raised.value) == f"infra-release:{key} in stacks/Pulumi.teammoa.test.yaml {problem}"


def declared(**config: Any) -> Engine:
    return Engine(stack="teammoa.test").run(lambda: declare(settings(**{"imageTag": "v1", **config})))


@pytest.fixture(scope="module")
def named() -> Engine:
    return declared(**NAMED, websocketPath="/ws/")


@pytest.fixture(scope="module")
def plain() -> Engine:
    return declared(**ONE)


def test_there_is_one_host_and_no_balancer(named: Engine) -> None:
    assert not [made for made in named.made if made.type.startswith("aws:lb/")]
    (host,) = named.of("aws:ec2/instance:Instance")
    assert host.name == "teammoa-web-1"
    assert named.one("aws:ec2/eip:Eip").inputs["instance"] == "i-teammoa-web-1"
    assert named.exports["hosts"] == [{"name": "web-1", "instance": "i-teammoa-web-1", "address": "203.0.113.7"}]
    assert "load balancer" not in named.exports["monthlyCost"]


def test_the_internet_reaches_http_and_https_and_nothing_else(named: Engine) -> None:
    rules = {made.inputs["fromPort"]: made.inputs for made in named.of(INGRESS)}
    assert set(rules) == {80, 443}
    for rule in rules.values():
        assert (rule["securityGroupId"], rule["cidrIpv4"]) == ("sg-teammoa-hosts", "0.0.0.0/0")


def test_a_release_goes_over_beside_what_serves(named: Engine) -> None:
    given = environment(named)
    assert (given["WAY"], given["WAVES"]) == ("single", "web-1") and "TARGET_GROUP" not in given
    assert (given["URL"], given["WEBSOCKET_URL"]) == (
        "https://team.example.com/health/",
        "wss://team.example.com/ws/",
    )
    assert given["ALARMS"] == ""
    asked = request.from_environment(given)
    assert asked.single and asked.hosts[0].address == "203.0.113.7"
    assert asked.certificate == Certificate(
        domain="team.example.com",
        email="team@example.com",
        server="https://acme-v02.api.letsencrypt.org/directory",
        image="certbot/certbot:v5.1.0",
        metrics="InfraRelease/Hosts",
    )
    command = named.one("command:local:Command", "teammoa-release")
    for type_ in ("aws:ec2/eip:Eip", "command:local:Command", INGRESS, "aws:ssm/parameter:Parameter"):
        assert needs(named, command, type_), type_


def test_without_a_name_the_address_is_asked(plain: Engine) -> None:
    given = environment(plain)
    assert given["URL"] == "https://203.0.113.7/health/"
    assert request.from_environment(given).certificate is None
    assert "max-age" not in given["NGINX"], "nobody is held to HTTPS of a certificate that nobody signed"


def test_two_containers_take_turns_behind_an_nginx_that_ends_tls(named: Engine) -> None:
    given = environment(named)
    project = yaml.safe_load(given["COMPOSE"])
    services = project["services"]
    assert set(services) == {"web-a", "web-b", "nginx"} and services["web-a"] == services["web-b"]
    assert services["nginx"]["ports"] == ["80:80", "443:443"]
    assert services["nginx"]["volumes"] == [
        "/opt/teammoa/nginx:/etc/nginx/conf.d:ro",
        "/opt/teammoa/tls:/etc/nginx/tls:ro",
        "/opt/teammoa/challenges:/var/www/challenges:ro",
    ]
    site = given["NGINX"]
    assert "set $upstream $live_web;" in site and "proxy_pass http://$upstream:8000;" in site
    assert "location /.well-known/acme-challenge/ {" in site and "return 301 https://$host$request_uri;" in site
    assert "ssl_certificate /etc/nginx/tls/site.pem;" in site and "max-age=31536000" in site
    assert "$http_x_forwarded_proto" not in site and "$proxy_add_x_forwarded_for" not in site
    assert site.count("{") == site.count("}")


def test_another_name_or_authority_is_a_release(named: Engine) -> None:
    server = {"email": "team@example.com", "server": "https://acme.example/directory"}
    other = environment(declared(**{**NAMED, "letsEncrypt": server}))
    assert environment(named)["NGINX"] != other["NGINX"]


def test_the_data_lies_beside_the_application_in_a_project_of_its_own(plain: Engine) -> None:
    data = environment(plain, "teammoa-data")
    assert json.loads(data["HOST"]) == {"name": "web-1", "instance": "i-teammoa-web-1", "address": "203.0.113.7"}
    assert data["SECURITY_GROUP"] == "sg-teammoa-hosts"
    project = yaml.safe_load(data["COMPOSE"])
    assert project["networks"] == {"default": {"name": "teammoa-data"}}
    assert not any("ports" in service for service in project["services"].values())
    web = yaml.safe_load(environment(plain)["COMPOSE"])
    assert web["networks"] == {"data": {"external": True, "name": "teammoa-data"}}
    assert web["services"]["web-a"]["networks"] == ["default", "data"] and "networks" not in web["services"]["nginx"]
    kept = {made.inputs["name"]: made.inputs.get("insecureValue") for made in plain.of("aws:ssm/parameter:Parameter")}
    assert (kept["/TeamMoa/test/DB_HOST"], kept["/TeamMoa/test/REDIS_HOST"]) == ("database", "redis")


def test_the_host_may_do_what_both_do(plain: Engine) -> None:
    rights = allowed(plain, "TeamMoa-web")
    assert any("backups" in resource for resource in rights["s3:PutObject"])
    assert any(resource.endswith(NEEDED["secrets"]["DB_PASSWORD"]) for resource in rights["ssm:GetParameters"])
    release = allowed(plain, "TeamMoa-github-release")
    assert not [action for action in release if action.startswith("elasticloadbalancing:")]


def test_the_host_that_keeps_data_is_protected_as_such() -> None:
    for mode, protected in (({"mode": "same"}, True), (MANAGED, False)):
        engine = declared(**ONE, data=mode, deletionProtection=True)
        (host,) = engine.of("aws:ec2/instance:Instance")
        assert host.inputs["disableApiTermination"] is protected


def test_somebody_hears_when_the_host_is_gone_or_its_certificate_ends(named: Engine, plain: Engine) -> None:
    for engine, expected in ((named, {"status", "certificate"}), (plain, {"status"})):
        roles = {
            made.name.removeprefix("teammoa-web-1-") for made in engine.of("aws:cloudwatch/metricAlarm:MetricAlarm")
        }
        assert roles == {"cpu", "disk"} | expected
