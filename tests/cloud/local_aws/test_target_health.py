"""The states of a target, from registration to the end of its draining."""

import threading
import time

import pytest
import requests

from tests.cloud.local_aws.conftest import Site
from tests.cloud.local_aws.web import wait_for


def test_a_new_target_gets_no_request_before_its_checks_have_passed(site: Site) -> None:
    group = site.group(HealthyThresholdCount=3)
    site.listen(group)
    server = site.server("new")
    began = time.monotonic()
    site.register(group, server)
    assert site.health(group, server) == {
        "State": "initial",
        "Reason": "Elb.RegistrationInProgress",
        "Description": "Target registration is in progress",
    }
    while site.health(group, server)["State"] == "initial":
        assert site.get().status_code == 503 or server.served["checks"] >= 3
        assert time.monotonic() < began + 6
    assert site.health(group, server) == {"State": "healthy"}
    assert server.served["checks"] == 3
    assert server.check_headers["host"] == f"{server.address}:{server.port}"
    assert server.check_headers["user-agent"] == "ELB-HealthChecker/2.0"
    assert 1.9 < time.monotonic() - began < 3.2, "three checks lie two intervals apart, and the first comes at once"
    assert site.get().text == "new"


def test_codes_outside_of_the_matcher_make_a_target_unhealthy_and_back(site: Site) -> None:
    group = site.group(Matcher={"HttpCode": "200-204,301"})
    site.listen(group)
    (server,) = site.serving(group, "one")
    server.status = 500
    assert site.wait(group, server, "unhealthy") == {
        "State": "unhealthy",
        "Reason": "Target.ResponseCodeMismatch",
        "Description": "Health checks failed with these codes: [500]",
    }
    assert site.get().status_code == 503
    server.status = 301
    site.wait(group, server, "healthy")
    assert site.get().status_code == 200


def test_a_target_that_never_listens_goes_from_initial_to_unhealthy(site: Site) -> None:
    group = site.group(UnhealthyThresholdCount=2)
    site.listen(group)
    server = site.server("deaf")
    server.close()
    site.register(group, server)
    assert site.health(group, server)["State"] == "initial"
    assert site.wait(group, server, "unhealthy") == {
        "State": "unhealthy",
        "Reason": "Target.FailedHealthChecks",
        "Description": "Health checks failed",
    }


def test_changed_thresholds_hold_for_the_next_target(site: Site) -> None:
    group = site.group()
    site.listen(group)
    site.serving(group, "early")
    site.elb.modify_target_group(TargetGroupArn=group, HealthyThresholdCount=4)
    server = site.server("late")
    began = time.monotonic()
    site.register(group, server)
    site.wait(group, server, "healthy")
    assert time.monotonic() - began >= 3  # four checks, one second apart


def test_a_check_without_an_answer_is_a_timeout(site: Site) -> None:
    group = site.group()
    site.listen(group)
    (server,) = site.serving(group, "slow")
    server.hang.clear()
    assert site.wait(group, server, "unhealthy") == {
        "State": "unhealthy",
        "Reason": "Target.Timeout",
        "Description": "Request timed out",
    }


def test_unused_targets_say_why(site: Site) -> None:
    group = site.group()
    server = site.server("idle")
    assert site.health(group, server)["Reason"] == "Target.NotRegistered"
    site.register(group, server)
    assert site.health(group, server)["Reason"] == "Target.NotInUse"
    assert server.served == {}
    site.listen(group)
    site.wait(group, server, "healthy")


def test_draining_ends_with_the_last_request_in_flight(site: Site) -> None:
    group = site.group()
    site.listen(group)
    old, new = site.serving(group, "old", "new")
    site.deregister(group, new)
    wait_for(lambda: site.health(group, new)["Reason"] == "Target.NotRegistered", 3, "an idle target leaves at once")
    answers: list[requests.Response] = []
    slow = threading.Thread(target=lambda: answers.append(site.get("/slow/2.5")))
    slow.start()
    wait_for(lambda: old.served["requests"], 2, "the slow request arrives")
    site.register(group, new)
    site.wait(group, new, "healthy")
    began = time.monotonic()
    site.deregister(group, old)
    assert site.health(group, old) == {
        "State": "draining",
        "Reason": "Target.DeregistrationInProgress",
        "Description": "Target deregistration is in progress",
    }
    assert {site.get().text for _ in range(10)} == {"new"}
    slow.join()
    assert answers[0].text == "old"
    wait_for(lambda: site.health(group, old)["Reason"] == "Target.NotRegistered", 2, "the end of draining")
    assert time.monotonic() - began < 4


def test_draining_goes_on_across_a_change_of_the_listener(site: Site) -> None:
    group = site.group()
    listener = site.listen(group)
    servers = site.serving(group, "a", "b")
    answers: list[requests.Response] = []
    slow = threading.Thread(target=lambda: answers.append(site.get("/slow/2.5")))
    slow.start()
    wait_for(lambda: sum(server.served["requests"] for server in servers), 2, "the slow request arrives")
    busy = next(server for server in servers if server.served["requests"])
    site.deregister(group, busy)
    _fixed_rule(site, listener)
    assert site.health(group, busy)["State"] == "draining"
    slow.join()
    assert answers[0].text == busy.name
    wait_for(lambda: site.health(group, busy)["Reason"] == "Target.NotRegistered", 2, "the end of draining")


@pytest.mark.parametrize("reload", [False, True])
def test_draining_lasts_no_longer_than_the_deregistration_delay(site: Site, reload: bool) -> None:
    group = site.group()
    site.attributes(group, deregistration_delay__timeout_seconds="1")
    listener = site.listen(group)
    (server,) = site.serving(group, "stubborn")
    failed: list[int] = []
    slow = threading.Thread(target=lambda: failed.append(site.get("/slow/6").status_code))
    slow.start()
    wait_for(lambda: server.served["requests"], 2, "the slow request arrives")
    if reload:
        _fixed_rule(site, listener)
    began = time.monotonic()
    site.deregister(group, server)
    wait_for(lambda: site.health(group, server)["Reason"] == "Target.NotRegistered", 3, "the end of the delay")
    assert 0.9 < time.monotonic() - began < 2.5
    slow.join()
    assert failed == [502] or failed == [504]


def test_a_change_of_a_listener_keeps_health_states(site: Site) -> None:
    group = site.group()
    listener = site.listen(group)
    (server,) = site.serving(group, "steady")
    sick = site.server("sick")
    sick.status = 500
    site.register(group, sick)
    site.wait(group, sick, "unhealthy")
    _fixed_rule(site, listener)
    assert site.health(group, server) == {"State": "healthy"}
    assert site.health(group, sick)["Reason"] == "Target.ResponseCodeMismatch"
    assert [site.get().text for _ in range(6)] == ["steady"] * 6


def _fixed_rule(site: Site, listener: str) -> None:
    """Any structural change."""
    action = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "418"}}
    condition = {"Field": "path-pattern", "Values": ["/tea"]}
    site.elb.create_rule(ListenerArn=listener, Priority=10, Conditions=[condition], Actions=[action])
    assert site.get("/tea").status_code == 418


@pytest.mark.parametrize("port", ["8000", "traffic-port"])
def test_the_health_check_port(site: Site, port: str) -> None:
    group = site.group(HealthCheckPort=port)
    site.listen(group)
    site.serving(group, "one")
