"""What the load balancers do with requests: rules, weights, stickiness, and not losing one while targets change."""

import socket
import time
from collections import Counter

import pytest
import requests

from tests.cloud.local_aws.conftest import Site
from tests.cloud.local_aws.web import Load

pytestmark = pytest.mark.thorough  # the ordinary run meets all of this through a stack


def fixed(status: int, body: str = "") -> dict[str, object]:
    config = {"StatusCode": str(status), "ContentType": "text/plain", "MessageBody": body}
    return {"Type": "fixed-response", "FixedResponseConfig": config}


@pytest.mark.parametrize("keep_alive", [False, True])
def test_no_request_is_lost_while_targets_and_rules_change(site: Site, keep_alive: bool) -> None:
    group = site.group()
    listener = site.listen(group)
    old = site.serving(group, "a", "b")
    with Load(site.host, 50, keep_alive) as first, Load(site.host, 10) as second:
        for round_ in range(5):
            new = site.serving(group, f"c{round_}", f"d{round_}")
            site.deregister(group, *old)
            condition = {"Field": "path-pattern", "Values": [f"/{round_}"]}
            site.elb.create_rule(
                ListenerArn=listener, Priority=round_ + 1, Conditions=[condition], Actions=[fixed(404)]
            )
            for server in old:
                site.wait(group, server, "unused", 5)
                server.close()
            old = new
    assert set(first.answers + second.answers) == {"200"}, first.answers + second.answers
    assert sum(first.answers.values()) > 50


def test_a_client_that_kept_its_connection_meets_the_new_targets(site: Site) -> None:
    group = site.group()
    listener = site.listen(group)
    (old,) = site.serving(group, "old")
    kept, later = requests.Session(), requests.Session()
    for client in (kept, later):
        assert client.get(f"http://{site.host}/", timeout=5).text == "old"
    condition = {"Field": "path-pattern", "Values": ["/x"]}
    site.elb.create_rule(ListenerArn=listener, Priority=1, Conditions=[condition], Actions=[fixed(404)])
    site.serving(group, "new")
    site.deregister(group, old)
    site.wait(group, old, "unused")
    old.close()
    time.sleep(2)  # longer than an old worker waits for silent clients
    assert kept.get(f"http://{site.host}/", timeout=5).text == "new"
    (newest,) = site.serving(group, "newest")
    assert later.get(f"http://{site.host}/", timeout=5).text in ("new", newest.name)


def test_a_target_that_refuses_is_passed_over_before_its_checks_notice(site: Site) -> None:
    group = site.group(UnhealthyThresholdCount=10)
    site.listen(group)
    dead, _ = site.serving(group, "dead", "alive")
    dead.close()
    assert [site.get().text for _ in range(10)] == ["alive"] * 10
    assert site.health(group, dead)["State"] == "healthy"


def test_weights_and_a_group_that_keeps_its_clients(site: Site) -> None:
    blue, green = site.group(), site.group()

    def split(weights: tuple[int, int], sticky: bool) -> dict[str, object]:
        groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in zip((blue, green), weights, strict=True)]
        stickiness = {"Enabled": sticky, **({"DurationSeconds": 60} if sticky else {})}
        return {
            "Type": "forward",
            "ForwardConfig": {"TargetGroups": groups, "TargetGroupStickinessConfig": stickiness},
        }

    listener = site.listen(split((80, 20), sticky=False))
    site.serving(blue, "blue")
    site.serving(green, "green")
    seen = Counter(site.get().text for _ in range(200))
    assert 130 <= seen["blue"] <= 185 and seen["blue"] + seen["green"] == 200
    site.elb.modify_listener(ListenerArn=listener, DefaultActions=[split((0, 100), sticky=True)])
    assert {site.get().text for _ in range(20)} == {"green"}
    client = requests.Session()
    client.get(f"http://{site.host}/", timeout=5)
    assert "AWSALBTG" in client.cookies
    site.elb.modify_listener(ListenerArn=listener, DefaultActions=[split((100, 0), sticky=True)])
    assert client.get(f"http://{site.host}/", timeout=5).text == "green"
    assert site.get().text == "blue"
    shown = site.elb.describe_listeners(ListenerArns=[listener])["Listeners"][0]["DefaultActions"][0]
    assert shown["ForwardConfig"]["TargetGroups"][0] == {"TargetGroupArn": blue, "Weight": 100}
    used = site.elb.describe_target_groups(TargetGroupArns=[green])["TargetGroups"][0]
    assert used["LoadBalancerArns"] == [site.balancer["LoadBalancerArn"]]


@pytest.mark.parametrize(
    ("kind", "cookie"),
    [({}, "AWSALB"), ({"stickiness__app_cookie__cookie_name": "session"}, "AWSALBAPP-0")],
)
def test_clients_stay_with_their_target_until_it_goes(site: Site, kind: dict[str, str], cookie: str) -> None:
    group = site.group()
    kind_name = "app_cookie" if kind else "lb_cookie"
    site.attributes(group, stickiness__enabled="true", stickiness__type=kind_name, **kind)
    site.listen(group)
    servers = site.serving(group, "a", "b", "c")
    client = requests.Session()
    names = {client.get(f"http://{site.host}/", timeout=5).text for _ in range(12)}
    assert len(names) == 1 and cookie in client.cookies
    home = next(server for server in servers if server.name in names)
    site.deregister(group, home)
    others = {client.get(f"http://{site.host}/", timeout=5).text for _ in range(12)}
    assert len(others) == 1 and others != names, "a draining target is left for another, which is kept again"


def test_rules_by_priority(site: Site) -> None:
    listener = site.listen(fixed(404, "nothing\nhere"))

    def rule(priority: int, status: int, *conditions: dict[str, object]) -> None:
        site.elb.create_rule(
            ListenerArn=listener, Priority=priority, Conditions=list(conditions), Actions=[fixed(status)]
        )

    header = {"HttpHeaderName": "X-Kind", "Values": ["b?ta", "canary*"]}
    rule(30, 201, {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/api/*", "/v?"]}})
    rule(20, 202, {"Field": "http-header", "HttpHeaderConfig": header})
    rule(
        10, 203, {"Field": "host-header", "Values": ["*.example.org"]}, {"Field": "path-pattern", "Values": ["/api/x"]}
    )
    rule(40, 205, {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "v", "Value": "2*"}]}})
    rule(50, 206, {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["DELETE"]}})
    assert site.get("/other").text == "nothing\nhere"
    assert site.get("/other").status_code == 404
    assert site.get("/api/x").status_code == 201
    assert site.get("/v1").status_code == 201
    assert site.get("/v10").status_code == 404
    assert site.get("/api/x", headers={"X-Kind": "Canary-1"}).status_code == 202
    assert site.get("/api/x", headers={"Host": "www.example.org:80"}).status_code == 203
    assert site.get("/?a=1&v=23").status_code == 205
    assert requests.delete(f"http://{site.host}/", timeout=5).status_code == 206
    with pytest.raises(site.elb.exceptions.PriorityInUseException, match="'10' is currently in use"):
        rule(10, 200, {"Field": "path-pattern", "Values": ["/"]})


def test_redirects(site: Site) -> None:
    to_https = {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
    listener = site.listen({"Type": "redirect", "RedirectConfig": to_https})
    moved = {
        "Host": "new.#{host}",
        "Path": "/moved/#{path}",
        "Query": "from=#{port}&#{query}",
        "StatusCode": "HTTP_302",
    }
    site.elb.create_rule(
        ListenerArn=listener,
        Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["/old*"]}],
        Actions=[{"Type": "redirect", "RedirectConfig": moved}],
    )
    plain = site.get("/a/b?c=d%20e", headers={"Host": "example.org:80"})
    assert (plain.status_code, plain.headers["Location"]) == (301, "https://example.org:443/a/b?c=d%20e")
    assert site.get("/a").headers["Location"] == f"https://{site.host}:443/a"
    other = site.get("/old/x?y=1")
    assert (other.status_code, other.headers["Location"]) == (
        302,
        f"http://new.{site.host}:80/moved/old/x?from=80&y=1",
    )


def test_headers_of_the_balancer(site: Site) -> None:
    group = site.group()
    site.listen(group)
    (server,) = site.serving(group, "one")
    site.get(headers={"X-Forwarded-For": "10.1.2.3"})
    assert server.headers["x-forwarded-for"] == "10.1.2.3, 127.0.0.1"
    assert server.headers["x-forwarded-proto"] == "http"
    assert server.headers["x-forwarded-port"] == "80"
    assert server.headers["x-amzn-trace-id"].startswith("Root=1-")


def test_a_websocket_outlives_a_change_of_the_listener(site: Site) -> None:
    group = site.group()
    listener = site.listen(group)
    site.serving(group, "one")
    with socket.create_connection((site.host, 80), timeout=5) as connection:
        stream = connection.makefile("rwb")
        stream.write(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
        stream.flush()
        assert b"101" in stream.readline()
        while stream.readline().strip():
            pass
        for index in range(2):
            stream.write(b"hello\n")
            stream.flush()
            assert stream.readline() == b"echo hello\n"
            condition = {"Field": "path-pattern", "Values": [f"/{index}"]}
            site.elb.create_rule(ListenerArn=listener, Priority=index + 1, Conditions=[condition], Actions=[fixed(404)])


def test_the_idle_timeout_ends_a_silent_answer(site: Site) -> None:
    site.elb.modify_load_balancer_attributes(
        LoadBalancerArn=site.balancer["LoadBalancerArn"],
        Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "1"}],
    )
    group = site.group()
    site.listen(group)
    site.serving(group, "one")
    assert site.get("/slow/0.2").status_code == 200
    assert site.get("/slow/3").status_code == 504


def test_a_taken_port_is_one_clear_sentence(site: Site) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((site.host, 8080))
        taken.listen()
        with pytest.raises(Exception, match=rf"Port 8080 on {site.host} is taken by another program"):
            site.listen(fixed(200), port=8080)
    assert site.elb.describe_listeners(LoadBalancerArn=site.balancer["LoadBalancerArn"])["Listeners"] == []
    site.listen(fixed(200), port=8080)


def test_a_configuration_that_cannot_be_is_refused_and_changes_nothing(site: Site) -> None:
    listener = site.listen(fixed(200))
    with pytest.raises(Exception, match="HAProxy refuses the configuration"):
        site.elb.create_rule(
            ListenerArn=listener,
            Priority=1,
            Conditions=[{"Field": "source-ip", "SourceIpConfig": {"Values": ["nowhere"]}}],
            Actions=[fixed(403)],
        )
    assert len(site.elb.describe_rules(ListenerArn=listener)["Rules"]) == 1
    assert site.get().status_code == 200


def test_a_group_in_use_and_a_protected_balancer_stay(site: Site) -> None:
    group = site.group()
    site.listen(group)
    with pytest.raises(site.elb.exceptions.ResourceInUseException, match="currently in use"):
        site.elb.delete_target_group(TargetGroupArn=group)
    arn = site.balancer["LoadBalancerArn"]
    protect = {"Key": "deletion_protection.enabled", "Value": "true"}
    site.elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[protect])
    with pytest.raises(site.elb.exceptions.OperationNotPermittedException, match="deletion protection"):
        site.elb.delete_load_balancer(LoadBalancerArn=arn)
    site.elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[{**protect, "Value": "false"}])
