"""The texts a host is made of: Compose projects, nginx's site, the first boot; and what it costs."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from components.compose import DataProject, WebProject, data_compose, own_repository, resolved, web_compose
from components.cost import PricedHost, monthly_cost
from components.nginx import nginx_conf
from components.user_data import CARE, FirstBoot, user_data

REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/teammoa-web"
WEB = WebProject(
    project="teammoa",
    port=8000,
    nginx_image="nginx:1.25-alpine",
    directory="/opt/teammoa",
    check_seconds=10,
    check_timeout=5,
    check_retries=3,
    settings_fingerprint="0123456789ab",
)
DATA = DataProject(project="teammoa-data", database_image="mysql:8.0", redis_image="registry/own/redis:7")
BOOT = FirstBoot(
    region="us-east-1", user="ubuntu", ssh_key="/TeamMoa/prod/ssh-key", host_keys_prefix="/TeamMoa/prod/hosts/"
)


def location(text: str, head: str) -> str:
    """The body of one location of nginx's site."""
    found = re.search(rf"location {re.escape(head)} {{\n(.*?)\n    }}", text, re.DOTALL)
    assert found, head
    return found[1]


def test_the_web_project_leaves_the_image_to_the_release() -> None:
    project = yaml.safe_load(web_compose(WEB, REPOSITORY))
    web, nginx = project["services"]["web"], project["services"]["nginx"]
    assert project["name"] == "teammoa"
    assert web["image"] == "${IMAGE}" and web["env_file"] == [".env"] and "ports" not in web
    assert web["healthcheck"] == {"interval": "10s", "timeout": "5s", "retries": 3, "start_period": "40s"}
    assert nginx["ports"] == ["8000:8000"] and nginx["volumes"] == ["/opt/teammoa/nginx:/etc/nginx/conf.d:ro"]
    assert "depends_on" not in nginx  # a release that replaces web leaves nginx alone


def test_every_container_comes_back_by_itself_and_fills_no_disk() -> None:
    projects = (web_compose(WEB, REPOSITORY), data_compose(DATA, REPOSITORY))
    for service in (one for text in projects for one in yaml.safe_load(text)["services"].values()):
        assert service["restart"] in ("always", "unless-stopped")
        assert service["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}


def test_the_data_project_keeps_its_data_in_volumes() -> None:
    project = yaml.safe_load(data_compose(DATA, REPOSITORY))
    database, redis = project["services"]["database"], project["services"]["redis"]
    assert database["volumes"] == ["database:/var/lib/mysql"] and redis["volumes"] == ["redis:/data"]
    assert set(project["volumes"]) == {"database", "redis"}
    assert (database["ports"], redis["ports"]) == (["3306:3306"], ["6379:6379"])
    assert "environment" not in database and database["env_file"] == [".env"]


def test_a_web_project_differs_by_nothing_but_what_was_changed() -> None:
    assert web_compose(WEB, REPOSITORY) == web_compose(WEB, REPOSITORY)
    assert "&id" not in web_compose(WEB, REPOSITORY)  # no references: people read it on the host


@pytest.mark.parametrize(
    ("image", "full", "repository"),
    [
        ("nginx:1.25-alpine", "nginx:1.25-alpine", None),
        ("registry/own/redis:7", "123456789012.dkr.ecr.us-east-1.amazonaws.com/own/redis:7", "own/redis"),
        ("registry/a@sha256:1", "123456789012.dkr.ecr.us-east-1.amazonaws.com/a@sha256:1", "a"),
        ("quay.io/registry/a:1", "quay.io/registry/a:1", None),
    ],
)
def test_an_image_of_the_own_registry(image: str, full: str, repository: str | None) -> None:
    assert resolved(image, REPOSITORY) == full
    assert own_repository(image) == repository


def test_websockets_last_seven_days() -> None:
    body = location(nginx_conf(port=8000, health_path="/health/"), "/ws/")
    assert "proxy_set_header Upgrade $http_upgrade;" in body
    assert 'proxy_set_header Connection "upgrade";' in body
    assert "proxy_read_timeout 7d;" in body and "proxy_send_timeout 7d;" in body
    assert "proxy_buffering off;" in body and "proxy_http_version 1.1;" in body


def test_everything_else_is_the_documents() -> None:
    text = nginx_conf(port=8000, health_path="/health/")
    assert "access_log off;" in location(text, "/health/")
    assert "expires 30d;" in location(text, "/static/") and "expires 7d;" in location(text, "/media/")
    assert "proxy_read_timeout 60s;" in location(text, "/")
    assert 'return 200 "Nginx OK\\n";' in location(text, "= /nginx-health")
    assert text.count("{") == text.count("}")


def test_a_replaced_container_is_found_without_a_restart() -> None:
    text = nginx_conf(port=8000, health_path="/health/")
    assert "resolver 127.0.0.11 valid=1s" in text
    assert set(re.findall(r"proxy_pass (\S+);", text)) == {"http://$upstream:8000"}


def test_every_answer_carries_the_security_headers() -> None:
    text = nginx_conf(port=8000, health_path="/health/")
    for head in ("/static/", "/media/"):  # a location with a header of its own inherits none
        assert "X-Frame-Options" in location(text, head) and "Strict-Transport-Security" in location(text, head)
    assert 'default "";' in text  # HSTS is said to who came by HTTPS


def test_the_first_boot_is_a_script_without_a_gap_or_a_secret(tmp_path: Path) -> None:
    text = user_data(BOOT)
    assert text.startswith("#!/bin/bash\n") and "{{" not in text
    assert "/TeamMoa/prod/ssh-key.pub" in text and '"/TeamMoa/prod/hosts/$instance/host-key"' in text
    script = tmp_path / "user-data"
    script.write_text(text)
    care = tmp_path / "care"
    care.write_text(text.partition("<<'CARE'\n")[2].partition("\nCARE\n")[0])
    for file in (script, care):
        subprocess.run(["bash", "-n", str(file)], check=True)
    assert len(text) < 16 * 1024  # EC2's limit


def test_the_first_boot_never_overwrites_a_host_key() -> None:
    text = user_data(BOOT)
    assert "--overwrite" not in text and text.count("put-parameter") == 1
    said = text.index("put-parameter")
    assert text.index("authorized_keys") < said  # who reads the host's key comes in next
    assert f"{CARE} && break" in text


def test_the_month_costs_what_the_document_says() -> None:
    cost = monthly_cost([PricedHost(instance_type="t3.micro", volume_size=16)] * 2, balancer=True)
    assert cost.parts["load balancer"] == 22.27 and cost.parts["instances"] == 15.18
    assert cost.parts["data transfer"] == 1.26
    assert cost.parts["public addresses"] == 14.6 and cost.parts["volumes"] == 2.56
    assert cost.total == 55.87 and cost.unknown == ()


def test_a_price_that_is_not_known_is_not_guessed() -> None:
    cost = monthly_cost([PricedHost(instance_type="m7i.large", volume_size=8)], balancer=False)
    assert cost.unknown == ("m7i.large",) and cost.parts["instances"] == 0
    assert "load balancer" not in cost.parts and cost.parts["public addresses"] == 3.65
