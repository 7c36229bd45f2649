"""TeamMoa's images together, as on a host: nginx, the application, the database and Redis on one network."""

import http.client
import json
import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests
import websocket

from components.nginx import nginx_conf
from localcloud.teammoa.build import TEAMMOA
from localcloud.up import service_images
from tests.ports import free_port
from tests.waiting import until

pytestmark = pytest.mark.thorough  # the ordinary run meets all of this through a stack

ROOT_PASSWORD, PASSWORD = "it's \\ root", "p'w\\n"  # what a shell and SQL may stumble over
SETTINGS = {"DB_HOST": "database", "DB_NAME": "teammoa_db", "DB_USER": "teammoa", "DB_PASSWORD": PASSWORD}
SETTINGS |= {"REDIS_HOST": "redis", "SECRET_KEY": "k"}
DATABASE = {"MYSQL_ROOT_PASSWORD": ROOT_PASSWORD, "MYSQL_DATABASE": "teammoa_db"}
DATABASE |= {"MYSQL_USER": "teammoa", "MYSQL_PASSWORD": PASSWORD}
BY_A_BALANCER = {"X-Forwarded-For": "192.0.2.7"}
SECONDS = 150.0  # for what takes 2 s on an idle machine


def docker(*arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=check)


class Host:
    """Containers of one network that answer on one loopback port."""

    def __init__(self, site: Path) -> None:
        self.network = f"teammoa-{uuid.uuid4().hex[:8]}"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.site = site
        docker("network", "create", self.network)

    def name(self, role: str) -> str:
        return f"{self.network}-{role}"

    def run(self, role: str, image: str, variables: dict[str, str], *options: str) -> None:
        values = [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]
        network = ("--network", self.network, "--network-alias", role)
        docker("run", "--detach", "--name", self.name(role), *network, *values, *options, image)

    def web(self, mode: str = "good", version: str = "v1") -> None:
        """Put this version in the place of the one before."""
        docker("rm", "--force", self.name("web"), check=False)
        self.run("web", image(mode, version), SETTINGS)
        state = "{{.State.Health.Status}}"
        until(
            lambda: docker("inspect", "--format", state, self.name("web")).stdout.strip() == "healthy",
            what=f"{mode} {version} is healthy",
            seconds=SECONDS,
        )

    def answers(self) -> bool:
        try:
            return requests.get(self.url, timeout=30).ok
        except requests.ConnectionError:
            return False

    def manage(self, mode: str, *words: str) -> "subprocess.CompletedProcess[str]":
        values = [word for name, value in SETTINGS.items() for word in ("--env", f"{name}={value}")]
        command = ("run", "--rm", "--network", self.network, *values, image(mode), "python", "manage.py", *words)
        return docker(*command, check=False)

    def sql(self, text: str) -> "subprocess.CompletedProcess[str]":
        login = ("mysql", "--user=root", f"--password={ROOT_PASSWORD}", "--skip-column-names")
        return docker("exec", self.name("database"), *login, "--execute", text, check=False)

    def end(self) -> None:
        names = [self.name(role) for role in ("web", "nginx", "database", "redis")]
        docker("rm", "--force", "--volumes", *names, check=False)
        docker("network", "rm", self.network)


def image(mode: str, version: str = "v1") -> str:
    return TEAMMOA.build(repository="infra-release/teammoa-test", tag=f"{mode}-{version}", version=version, mode=mode)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    site = tmp_path_factory.mktemp("site")
    site.chmod(0o755)
    (site / "teammoa.conf").write_text(nginx_conf(port=8000, health_path="/health/"))
    made = Host(site)
    try:
        made.run("database", service_images.build("teammoa-database"), DATABASE)
        made.run("redis", service_images.build("teammoa-redis"), {})
        until(lambda: made.sql("SELECT 1").returncode == 0, what="the database answers", seconds=SECONDS)
        migrated = made.manage("good", "migrate", "--noinput")
        assert migrated.returncode == 0, migrated.stderr
        made.web()
        mount = ("--publish", f"127.0.0.1:{made.port}:8000", "--volume", f"{site}:/etc/nginx/conf.d:ro")
        made.run("nginx", service_images.build("teammoa-nginx"), {}, *mount)
        until(made.answers, what="nginx answers", seconds=SECONDS)
        yield made
    finally:
        made.end()


def opened(host: Host) -> websocket.WebSocket:
    return websocket.create_connection(f"ws://127.0.0.1:{host.port}/ws/echo/", timeout=30)


def test_a_new_version_takes_over_without_a_lost_answer_and_every_session_goes_on(host: Host) -> None:
    browser = requests.Session()
    with browser:
        assert browser.get(f"{host.url}/health/", timeout=30).json()["database"] == "ok"
        assert browser.get(f"{host.url}/session/", timeout=30).json()["count"] == 1
        assert browser.get(f"{host.url}/static/teammoa.css", timeout=30).headers["Content-Type"] == "text/css"

        with closing(http.client.HTTPConnection("127.0.0.1", host.port, timeout=60)) as upload:
            upload.putrequest("POST", "/upload/")
            upload.putheader("Content-Length", "500000")
            upload.endheaders()
            upload.send(b"x" * 250_000)
            slow: list[int] = []
            ask = threading.Thread(
                target=lambda: slow.append(requests.get(f"{host.url}/slow/?seconds=3", timeout=60).status_code)
            )
            socket = opened(host)
            assert socket.sock is not None
            with socket.sock:
                ask.start()
                socket.send("hello")
                assert json.loads(str(socket.recv()))["version"] == "v1"
                until(lambda: requests.get(f"{host.url}/", timeout=30).ok, what="an answer beside", seconds=SECONDS)
                docker("stop", "--time", "40", host.name("web"))
                opcode, data = socket.recv_data()
            assert (opcode, int.from_bytes(data[:2])) == (websocket.ABNF.OPCODE_CLOSE, 1001)
            ask.join()
            assert slow == [200]
            assert docker("inspect", "--format", "{{.State.ExitCode}}", host.name("web")).stdout.strip() == "0"
            host.web(version="v2")
            upload.send(b"x" * 250_000)
            answer = json.loads(upload.getresponse().read())
        assert (answer["version"], answer["bytes"]) == ("v2", 500_000)
        after = browser.get(f"{host.url}/session/", timeout=30)
        assert (after.headers["X-Version"], after.json()["count"]) == ("v2", 2)


def test_rows_and_the_connection_to_them_outlive_a_restart_of_the_database(host: Host) -> None:
    before = requests.post(f"{host.url}/rows/", {"text": "kept"}, timeout=30).json()["id"]
    docker("restart", host.name("database"))
    until(lambda: requests.get(f"{host.url}/health/", timeout=30).ok, what="it is healthy again", seconds=SECONDS)
    listed = requests.get(f"{host.url}/rows/", timeout=30).json()["rows"]
    assert {"id": before, "text": "kept"} in listed
    for _ in range(5):
        assert requests.get(f"{host.url}/health/", timeout=30).ok
    connections = host.sql("SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'teammoa'").stdout
    assert connections.strip() == "1"  # kept open: a health check costs no login
    dump = ("mysqldump", "--user=teammoa", f"--password={PASSWORD}", "--single-transaction", "teammoa_db")
    assert "'kept'" in docker("exec", host.name("database"), *dump).stdout


def test_a_liar_is_found_out_through_the_balancer_alone(host: Host) -> None:
    host.web("health-lies")
    assert requests.get(f"{host.url}/health/", timeout=30).status_code == 200
    assert requests.get(f"{host.url}/health/", headers=BY_A_BALANCER, timeout=30).status_code == 503


def test_a_migration_that_fails_says_so_and_ends_with_1(host: Host) -> None:
    failed = host.manage("migrate-fails", "migrate", "--noinput")
    assert failed.returncode == 1
    assert "colour" in failed.stderr


def test_a_database_without_a_password_does_not_start() -> None:
    refused = docker("run", "--rm", service_images.build("teammoa-database"), check=False)
    assert (refused.returncode, refused.stderr) == (1, "database: MYSQL_ROOT_PASSWORD is not set\n")
