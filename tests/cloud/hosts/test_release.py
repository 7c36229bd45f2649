"""A release on two hosts, over SSH and over SSM: staged while the old version serves, switched, undone, recorded."""

import time

import pytest
import requests

from actions.hosts.host import Host, HostError
from tests.cloud.hosts.conftest import NGINX, PREFIX, SECRET, Fleet, become_healthy, together

pytestmark = pytest.mark.thorough  # the ordinary run meets all of this through a stack


def answer(fleet: Fleet, host: Host) -> str:
    return fleet.on(host, "curl -sS http://127.0.0.1:8000/")


def nginx(fleet: Fleet, host: Host, project: str) -> str:
    return fleet.on(host, f"docker ps --no-trunc --quiet --filter name={project}-nginx")


# The host without a balancer is released over SSM in the ordinary run.
@pytest.fixture(params=["ssh", pytest.param("ssm", marks=pytest.mark.thorough)])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_staged_switched_undone_and_recorded(fleet: Fleet, way: str) -> None:
    directory = f"/opt/app-{way}"
    with fleet.access(way, directory) as access:

        def first(host: Host) -> None:
            machine = access.machine(host)
            assert not machine.observe().installed
            machine.stage(fleet.release("v1"))
            machine.switch()
            become_healthy(machine)
            machine.record({"digest": fleet.release("v1").digest})

        def second(host: Host) -> None:
            machine, project = access.machine(host), directory.rpartition("/")[2]
            before = nginx(fleet, host, project)
            changed = NGINX.replace("listen 8000;", "listen 8000; add_header X-Site second always;")
            release = fleet.release("v2", nginx=changed)
            machine.stage(release)
            assert answer(fleet, host) == "v1", "what runs serves on while the next is staged"
            machine.migrate("nginx -v")
            machine.switch()
            become_healthy(machine)
            assert answer(fleet, host) == "v2"
            assert "X-Site: second" in fleet.on(host, "curl -sSI http://127.0.0.1:8000/")
            seen = machine.observe()
            assert (seen.digest, seen.installed_as, seen.verified) == (release.digest, release.fingerprint, False)
            machine.back()
            become_healthy(machine)
            assert answer(fleet, host) == "v1"
            assert "X-Site" not in fleet.on(host, "curl -sSI http://127.0.0.1:8000/")
            assert nginx(fleet, host, project) == before, "nginx is never restarted"
            assert machine.observe().ledger["current"] == {"digest": fleet.release("v1").digest}
            assert machine.log_tail()

        together(first, fleet.hosts)
        together(second, fleet.hosts)
        for host in fleet.hosts:
            environment = fleet.on(host, f"cat {directory}/current/.env; stat -c %a {directory}/current/.env")
            assert "600" in environment
            container = fleet.on(host, f"docker ps -q --filter name=app-{way}-web")
            assert f"SECRET={SECRET}" in fleet.on(host, f"docker exec {container.strip()} env")
            fleet.on(host, f"cd {directory}/current && docker compose -p app-{way} down")
    assert fleet.rules() == []


def test_what_is_wrong_is_said_before_anything_moves(fleet: Fleet) -> None:
    wrong = {
        r"web-1: compose\.yaml is not valid": fleet.release("v1", compose="services: {web: {imag: x}}"),
        "web-1: nginx refuses its configuration": fleet.release("v1", nginx="server { bogus; }"),
        "web-1: .* MB are free in /var/lib/docker": fleet.release("crash", room_mb=10**9),
        "is made for arm64, and this host is amd64": fleet.release("arm"),
        f"web-1: SSM has no parameter {PREFIX}/none": fleet.release("v1", variables={"A": f"{PREFIX}/none"}),
        "cannot be pulled": fleet.release("v1", image=f"{fleet.registry}/web@sha256:{'0' * 64}"),
    }
    with fleet.access(directory="/opt/wrong") as access:
        machine = access.machine(fleet.hosts[0])
        for sentence, release in wrong.items():
            with pytest.raises(HostError, match=sentence):
                machine.stage(release)
        assert machine.observe().staged == ""
        with pytest.raises(HostError, match="web-1: nothing is staged on it"):
            machine.switch()


def test_an_engine_that_is_down(fleet: Fleet) -> None:
    host = fleet.hosts[1]
    fleet.on(host, "systemctl stop docker.socket docker.service")
    try:
        with fleet.access(directory="/opt/down") as access:
            machine = access.machine(host)
            assert not machine.observe().docker
            with pytest.raises(HostError, match="web-2: its Docker engine does not answer"):
                machine.stage(fleet.release("v1"))
    finally:
        fleet.on(host, "systemctl start docker.socket docker.service")


def test_a_migration_that_fails(fleet: Fleet) -> None:
    with fleet.access(directory="/opt/migrate") as access:
        machine = access.machine(fleet.hosts[0])
        machine.stage(fleet.release("v1"))
        with pytest.raises(HostError, match=r"web-1: `nginx -t -c /none` failed: .*/none"):
            machine.migrate("nginx -t -c /none")


def test_a_script_whose_runner_is_gone_ends_before_the_next_begins(fleet: Fleet) -> None:
    host = fleet.hosts[0]
    fleet.on(host, "mkdir -p /opt/busy && (flock 9; sleep 4) 9>/opt/busy/.lock >/dev/null 2>&1 &")
    began = time.monotonic()
    with fleet.access(directory="/opt/busy") as access:
        access.machine(host).back()
    assert time.monotonic() - began > 2


def test_the_runner_sees_no_host_otherwise(fleet: Fleet) -> None:
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://{fleet.hosts[0].address}:22", timeout=2)
