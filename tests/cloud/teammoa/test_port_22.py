"""Port 22 is closed to everybody but the runner, and to the runner when no release is on its way."""

import threading

import pytest

from tests.cloud.load import Load
from tests.cloud.teammoa.conftest import ACCESS
from tests.cloud.teammoa.fleet import Fleet

pytestmark = pytest.mark.skipif(ACCESS == "ssm", reason="over SSM the port is never opened")


def test_port_22_is_open_for_the_runner_alone_and_only_during_a_release(released: Fleet, other: str) -> None:
    """The other address is the data host's, in the same network."""
    first = released.hosts[0]
    assert not released.reaches(released.data_host, first["address"], 22)
    during: list[tuple[bool, list[str]]] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(1):
            addresses = [rule["CidrIpv4"] for rule in released.rules_for_ssh()]
            during.append((released.reaches(released.data_host, first["address"], 22), addresses))

    watcher = threading.Thread(target=look)
    watcher.start()
    with Load(f"{released.url}/", rate=15, authorities=released.authorities) as count:
        released.project.release(other)
    stop.set()
    watcher.join()
    assert count.failed == 0, count.answers
    assert not any(reached for reached, _ in during)
    opened = {address for _, addresses in during for address in addresses}
    assert opened == {f"{released.gateway}/32"}, during  # the runner, as the hosts see it
    assert not released.rules_for_ssh()
    assert not released.reaches(released.data_host, first["address"], 22)
