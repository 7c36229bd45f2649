"""What is checked on a server made from an image: each check says yes, not yet, or never, with its reason."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import pytest

from actions.bake.inside import Inside, Wrong
from actions.bake.outside import NotYet, Outside
from actions.bake.part import Part
from actions.bake.server import Server
from actions.hosts.host import HostError
from actions.hosts.session import Output
from actions.progress import Progress
from actions.test_image import ChecksFailed, Trial, TrialRequest
from tests.ports import free_port
from tests.unit.bake.http_files import HttpFiles
from tests.virtual_clock import VirtualClock

EXPORTER = b"""# HELP node_exporter_build_info
node_exporter_build_info{version="1.9.1"} 1
node_cpu_seconds_total{cpu="0"} 1
node_memory_MemTotal_bytes 1
"""
TIME = "service=chrony\nsynchronised=true\nstated=0.000010\nmeasured=-0.002\nsource=10.0.0.1\n"
WELL = {
    "health": "unit=photo-api active 0\nunit=node_exporter active 0\nunit=promtail active 1\nanswer=HTTP 200\n",
    "agent": "answer=HTTP 200\n",
    "time": TIME,
    "leftovers": "time=2026-01-01T00:00:00Z\n",
}
LOGIN = {"RUN": "r", "ADDRESS": "127.0.0.1", "SSH_USER": "u", "LOGIN_KEY": "k", "HOST_KEY": "h"}


@dataclass
class ServerDouble:
    """Stands where `Server` stands; prints what it is told to."""

    answers: dict[str, str]
    name: str = "run-1"
    given: dict[str, dict[str, str]] = field(default_factory=dict)

    def run(self, script: str, seconds: float, **variables: str) -> Output:
        self.given[script] = variables
        if script not in self.answers:
            raise HostError("run-1: no SSH server answers at 127.0.0.1: refused")
        return Output(code=0, out=self.answers[script], err="")


@pytest.fixture
def files() -> Iterator[HttpFiles]:
    with HttpFiles() as files:
        files.files["/health"] = b'{"status":"ok"}'
        files.files["/"] = b"photo-api"
        files.files["/metrics"] = b'http_requests_total{path="/"} 3\n' + EXPORTER
        yield files


def outside(files: HttpFiles) -> Outside:
    return Outside(address="127.0.0.1", port=files.port, exporter_port=files.port)


def inside(answers: dict[str, str]) -> Inside:
    return Inside(server=cast(Server, ServerDouble({**WELL, **answers})), port=8000, health_path="/health")


def test_pages_that_are_as_they_should_be(files: HttpFiles) -> None:
    server = outside(files)
    assert "ok" in server.health("/health") and "photo-api" in server.root()
    assert server.metrics(("http_requests_total",)) == "4 samples"
    assert server.exporter("1.9.1") == "version 1.9.1, 4 samples"


def test_pages_that_are_not(files: HttpFiles) -> None:
    server = outside(files)
    with pytest.raises(NotYet, match="node_exporter is not version 1"):
        server.exporter("1.0.0")
    with pytest.raises(NotYet, match="/metrics has no photos_total, users_total"):
        server.metrics(("photos_total", "http_requests_total", "users_total"))
    files.files["/metrics"] = b"http_requests_totally 1\n"
    with pytest.raises(NotYet, match="/metrics has no http_requests_total"):
        server.metrics(("http_requests_total",))
    files.files["/"] = b" "
    with pytest.raises(NotYet, match="/ answers nothing"):
        server.root()
    files.files["/health"] = lambda: (503, b"the database is away")
    with pytest.raises(NotYet, match=r"/health answers HTTP 503: 'the database is away'"):
        server.health("/health")


def test_a_server_where_nobody_listens() -> None:
    with pytest.raises(NotYet, match="does not answer"):
        Outside(address="127.0.0.1", port=free_port(), exporter_port=1).health("/health")


@pytest.mark.parametrize(
    ("look", "kind", "sentence"),
    [
        ("unit=photo-api activating 0\n", NotYet, "photo-api is activating"),
        ("unit=photo-api failed 0\n", Wrong, "photo-api is failed after 0 restarts"),
        ("unit=photo-api active 3\n", Wrong, "photo-api is active after 3 restarts"),
        ("unit=promtail active 0\n", Wrong, "the image has no service photo-api"),
    ],
)
def test_services(look: str, kind: type[Exception], sentence: str) -> None:
    assert inside({}).services(("photo-api", "promtail")) == "photo-api, promtail active"
    with pytest.raises(kind, match=sentence):
        inside({"health": look}).services(("photo-api",))


def test_a_log_agent_that_is_not_ready() -> None:
    assert inside({}).log_agent("alloy") == "alloy is ready"
    with pytest.raises(NotYet, match="promtail is not ready: HTTP 503"):
        inside({"agent": "answer=HTTP 503\n"}).log_agent("promtail")


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        (TIME, "offset -0.002000 s (measured)"),
        (TIME.replace("measured=-0.002", "measured_not=timed out"), "offset +0.000010 s (as chrony states it)"),
        ("service=timesyncd\nsynchronised=true\nstated=-1.5ms\nsource=t\n", "offset -0.001500 s (as timesyncd"),
    ],
)
def test_a_clock_that_is_synchronised(seen: str, found: str) -> None:
    assert found in inside({"time": seen}).time(1.0)


@pytest.mark.parametrize(
    ("seen", "kind", "sentence"),
    [
        ("service=none\nsynchronised=false\n", Wrong, "neither chrony nor systemd-timesyncd runs"),
        (TIME.replace("true", "false"), NotYet, "chrony has not synchronised the clock"),
        (TIME.replace("-0.002", "7200.5"), NotYet, r"the clock is off by \+7200\.500 s \(measured\), more than 1 s"),
        ("service=timesyncd\nsynchronised=true\nstated=\nsource=t\n", NotYet, "timesyncd states no offset"),
    ],
)
def test_a_clock_that_is_not(seen: str, kind: type[Exception], sentence: str) -> None:
    with pytest.raises(kind, match=sentence):
        inside({"time": seen}).time(1.0)


def test_leftovers_are_named_and_short_values_are_not_searched_for() -> None:
    secrets = {"A": "longenoughvalue", "PIN": "1234", "KEY": "-----BEGIN\nabcdefghijklmnop\n-----END"}
    assert "2 of 3 secrets searched for" in inside({}).leftovers(secrets)
    with pytest.raises(Wrong, match=r"still holds /root/\.bash_history, a secret in /opt/x"):
        inside({"leftovers": "found=/root/.bash_history\nfound=a secret in /opt/x\ntime=\n"}).leftovers({})


def trial(files: HttpFiles, server: ServerDouble, values: dict[str, str] | None = None, **change: str) -> str:
    asked = {**LOGIN, "PORT": str(files.port), "NODE_EXPORTER_PORT": str(files.port), "NODE_EXPORTER": "1.9.1"}
    request = TrialRequest.of({**asked, "LOG_AGENT": "promtail", **change})
    this = Part()
    found = Trial(request, values or {}, this, VirtualClock(), Progress()).run(cast(Server, server))
    assert {step["name"] for step in this.steps} >= set(found["checks"])
    return ",".join(found["checks"])


def test_every_check_holds(files: HttpFiles) -> None:
    names = trial(files, ServerDouble(WELL))
    assert names == "services,health,root,metrics,node_exporter,log_agent,time,leftovers"


def test_all_that_fail_are_named_and_all_were_made(files: HttpFiles) -> None:
    files.files["/health"] = lambda: (500, b"")
    files.files["/metrics"] = b"nothing 1\n"
    server = ServerDouble({**WELL, "leftovers": "found=/tmp/secret\ntime=\n"})
    with pytest.raises(ChecksFailed) as raised:
        trial(files, server)
    said = str(raised.value)
    assert said.startswith("4 of 8 checks do not hold: health: ")
    assert all(f"; {name}: " in said for name in ("metrics", "node_exporter", "leftovers"))


def test_health_that_comes_late_but_in_time(files: HttpFiles) -> None:
    files.first["/health"] = [(502, b"")] * 5
    assert trial(files, ServerDouble(WELL), CHECKS="health") == "health"


def test_a_server_that_ssh_does_not_reach(files: HttpFiles) -> None:
    with pytest.raises(ChecksFailed, match=r"2 of 3 .* services: run-1: no SSH server answers .* time: "):
        trial(files, ServerDouble({}), CHECKS="services,health,time")


def test_secrets_reach_the_servers_memory_before_anything_is_checked(files: HttpFiles) -> None:
    server = ServerDouble({**WELL, "secrets": "", "start": ""})
    trial(files, server, {"A": "longenoughvalue"})
    assert list(server.given)[:2] == ["secrets", "start"] and server.given["leftovers"]["VALUES"]
