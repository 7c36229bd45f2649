"""TeamMoa on one host without a balancer, by the real engine: its own HTTPS, its data beside it, releases under load."""

import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests

from actions.probe import Probe
from tests.cloud.project import ROOT, Project

STACK = "teammoa.single-local"
TAGS = {"v1": "good", "v2": "good", "crash": "crash"}
pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")


@pytest.fixture(scope="module")
def single(cloud: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The stack with v1 released; destroyed at the end."""
    project = Project(tmp_path_factory.mktemp("single"), cloud, STACK)
    local(project, "localcloud.up.inside", STACK)
    local(project, "localcloud.up.service_images")
    project.pulumi("stack", "select", "--create", STACK)
    project.pulumi("config", "rm", "infra-release:imageTag")
    project.up()
    for tag, mode in TAGS.items():
        where = ("--repository", project.output("repositoryUrl"), "--push")
        local(project, "localcloud.teammoa.build", "--tag", tag, "--mode", mode, "--version", tag, *where)
    project.release("v1")
    try:
        yield project
    finally:
        project.pulumi("destroy", "--yes", check=False)


def local(project: Project, module: str, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=project.environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, done.stdout


def ask(url: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=10, verify=False, allow_redirects=False)  # noqa: S501 - signed by nobody


def containers(project: Project) -> dict[str, str]:
    """Names of what runs on the host, each with when it was started."""
    instance = project.output("hosts")[0]["instance"]
    listed = docker("ps", "-q", "--filter", f"label=localcloud.instance={instance}").strip()
    inside = docker(
        *("exec", listed, "sh", "-c", "docker inspect -f '{{.Name}} {{.State.StartedAt}}' $(docker ps -q)"),
    )
    return dict(line.lstrip("/").split(" ") for line in inside.splitlines())


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], text=True, stdout=subprocess.PIPE, check=True).stdout


def test_the_host_answers_by_https_at_an_address_that_stays(single: Project) -> None:
    url = single.output("url")
    assert ask(f"{url}/").headers["X-Version"] == "v1"
    plain = ask(url.replace("https", "http") + "/rows/")
    assert (plain.status_code, plain.headers["Location"]) == (301, f"{url}/rows/")
    host = urlsplit(url).hostname
    assert [one["address"] for one in single.output("hosts")] == [host]
    for port in (3306, 6379, 8000):
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://{host}:{port}/", timeout=1)


def test_a_release_under_load_fails_no_request_and_leaves_the_data_alone(single: Project) -> None:
    url, before = single.output("url"), containers(single)
    probe = Probe(f"{url}/", serving=True)
    probe.start()
    done = single.release("v2")
    seen = probe.stop()
    assert seen.failures == 0, (seen, done.stdout[-4000:])
    assert [entry.version for entry in seen.versions] == ["v1", "v2"]
    after = containers(single)
    stays = [name for name in before if "teammoa-web-" not in name]
    assert len(stays) == 3, before
    assert {name: after.get(name) for name in stays} == {name: before[name] for name in stays}
    assert len(after) == 4, "the release before has gone"
    assert single.output("release")["probe"]["websocket"]["connections"] >= 1


def test_a_bad_version_leaves_the_old_serving(single: Project) -> None:
    url, before, proof = single.output("url"), containers(single), single.output("release")
    probe = Probe(f"{url}/", serving=True)
    probe.start()
    done = single.release("crash", check=False)
    seen = probe.stop()
    assert done.returncode != 0 and "undone: " in done.stdout, done.stdout[-4000:]
    assert seen.failures == 0, seen
    assert [entry.version for entry in seen.versions] == [proof["image_tag"]]
    assert containers(single) == before
    assert single.output("release") == proof
