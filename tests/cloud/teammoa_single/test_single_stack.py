"""TeamMoa on one host without a balancer, by the real engine: HTTPS of its own, data beside it, releases under load."""

from urllib.parse import urlsplit

import pytest
import requests

from actions.probe import Probe
from tests.cloud.project import Project
from tests.cloud.teammoa_single.conftest import docker, host_of, machine_of

pytestmark = [
    pytest.mark.thorough,  # minutes; tests/cloud/hosts/test_single.py is in the ordinary run
    pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning"),
]


def ask(url: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=10, verify=False, allow_redirects=False)  # signed by nobody


def containers(project: Project) -> dict[str, str]:
    """Names of what runs on the host, each with when it was started."""
    script = "docker inspect -f '{{.Name}} {{.State.StartedAt}}' $(docker ps -q)"
    inside = docker("exec", machine_of(project), "sh", "-c", script)
    return dict(line.lstrip("/").split(" ") for line in inside.splitlines())


def test_the_host_answers_by_https_at_an_address_that_stays(single: Project) -> None:
    url = single.output("url")
    assert ask(f"{url}/").headers["X-Version"] == "v1"
    plain = ask(url.replace("https", "http") + "/rows/")
    assert (plain.status_code, plain.headers["Location"]) == (301, f"{url}/rows/")
    host = urlsplit(url).hostname
    assert host_of(single)["address"] == host
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
