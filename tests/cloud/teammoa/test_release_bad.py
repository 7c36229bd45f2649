"""A bad release fails with its reason; users see nothing, and every host ends on the version before."""

import re

import pytest

from tests.cloud.load import Load
from tests.cloud.teammoa.fleet import Fleet

REASONS = {
    "crash": (r"web-1: expected a healthy container", r"log \| "),
    "health-500": (r"web-1: expected a healthy container.*HTTP 503", r"health \| .*HTTP 503"),
    "never-listens": (r"web-1: expected a healthy container",),
    "health-flaps": (r"web-1: expected a container that stays healthy, found .*HTTP 503", r"health \| .*HTTP 503"),
    "health-lies": (r"web-1: .*/health/ answered HTTP 503 to \d of 8 requests",),
    "migrate-fails": (r"migrat", r"web-1"),
}
SAMPLED = ("crash",)


@pytest.mark.parametrize(
    "tag", [tag if tag in SAMPLED else pytest.param(tag, marks=pytest.mark.thorough) for tag in REASONS]
)
def test_a_bad_release_fails_with_its_reason_and_users_see_nothing(released: Fleet, now: str, tag: str) -> None:
    project, before = released.project, released.project.output("release")
    with Load(f"{released.url}/", rate=15, authorities=released.authorities) as count:
        done = project.release(tag, check=False)
    assert done.returncode != 0
    for reason in REASONS[tag]:
        assert re.search(reason, done.stdout), f"{reason} in:\n{done.stdout.partition('Diagnostics:')[2][:6000]}"
    assert count.failed == 0, count.answers
    assert set(count.versions) <= {now, tag}
    assert project.output("release") == before
    assert released.whole()
    assert not released.rules_for_ssh()
    pending = project.pulumi("preview", "--diff").stdout
    assert re.search(rf"IMAGE.*:{now}.*=>.*:{tag}", pending), pending


@pytest.mark.thorough
def test_the_last_host_that_fails_takes_the_first_ones_back(released: Fleet, other: str) -> None:
    """While web-2 runs the new version, the balancer does not reach it: its target never becomes healthy."""
    project, before = released.project, released.project.output("release")
    image = "docker ps --no-trunc --format '{{.Image}}' --filter label=com.docker.compose.service=web"
    digest = f'now=$({image}) && [ "${{now##*@}}"'
    drop = "PREROUTING -t mangle -i eth0 -p tcp --dport 8000 -j DROP"
    until_new = f'until {digest} != {before["digest"]} ] && [ -n "$now" ]; do sleep 0.3; done'
    until_old = f"until {digest} = {before['digest']} ]; do sleep 0.3; done"
    script = f"{until_new}; iptables -w 20 -I {drop}; {until_old}; iptables -w 20 -D {drop}"
    released.on(released.hosts[-1], f"({script}) >/dev/null 2>&1 &")
    with Load(f"{released.url}/", rate=15, authorities=released.authorities) as count:
        done = project.release(other, check=False)
    assert done.returncode != 0
    assert "web-2: expected a healthy target" in done.stdout, done.stdout.partition("Diagnostics:")[2][:6000]
    assert "web-1" in done.stdout.partition("undone: ")[2], done.stdout.partition("Diagnostics:")[2][:6000]
    assert count.failed == 0, f"{count.answers} in:\n{done.stdout.partition('Diagnostics:')[2][:6000]}"
    assert project.output("release") == before
    assert released.whole()
