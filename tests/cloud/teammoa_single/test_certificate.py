"""A certificate for the one host, from an authority that speaks ACME: issued, shown, kept, renewed, refused."""

import ssl
import subprocess
from collections.abc import Iterator

import pytest
import requests
from cryptography import x509

from actions.hosts.host import Host, HostError
from actions.hosts.machine import Certificate, ComposeMachine, Project
from actions.hosts.session import Output
from actions.probe import Probe
from localcloud.up import service_images
from tests.cloud.project import Project as Stack
from tests.cloud.teammoa_single.authority import Authority, running
from tests.cloud.teammoa_single.conftest import docker, host_of, machine_of

DOMAIN = "team.example.com"
pytestmark = [
    pytest.mark.thorough,
    pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning"),
]


class Inside:
    """Runs scripts in the host's computer, whatever is between."""

    def __init__(self, machine: str) -> None:
        self._command = ["docker", "exec", "-i", machine, "sh", "-s"]

    def run(self, script: str, timeout_seconds: float) -> Output:
        done = subprocess.run(self._command, input=script, capture_output=True, text=True, timeout=timeout_seconds)
        return Output(code=done.returncode, out=done.stdout, err=done.stderr)


@pytest.fixture(scope="module")
def authority(single: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    """Trusted by the host, which has certbot."""
    seen_at = requests.get(single.environment["RUNNER_ADDRESS_URL"], timeout=10).text.strip()
    machine = machine_of(single)
    with running(tmp_path_factory.mktemp("authority"), seen_at, host_of(single)["address"]) as made:
        trust = ["docker", "exec", "-i", machine, "sh", "-c", "cat >> /etc/ssl/certs/ca-certificates.crt"]
        subprocess.run(trust, input=made.trusted, text=True, check=True)
        image = service_images.build("teammoa-certbot")
        with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saved:
            subprocess.run(["docker", "exec", "-i", machine, "docker", "load", "-q"], stdin=saved.stdout, check=True)
        yield made


@pytest.fixture(scope="module")
def host(single: Stack) -> ComposeMachine:
    known = host_of(single)
    project = Project(name="teammoa", directory="/opt/teammoa", region="us-east-1", single=True)
    return ComposeMachine(Host(**known), Inside(machine_of(single)), project)


def wanted(authority: Authority, domain: str = DOMAIN) -> Certificate:
    return Certificate(
        domain=domain,
        email="team@example.com",
        server=authority.server,
        image=f"{service_images.PREFIX}/teammoa-certbot:{service_images.IMAGES['teammoa-certbot']}",
        metrics="InfraRelease/Hosts",
    )


def shown(stack: Stack) -> x509.Certificate:
    return x509.load_pem_x509_certificate(ssl.get_server_certificate((host_of(stack)["address"], 443)).encode())


def names(certificate: x509.Certificate) -> list[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return list(found.value.get_values_for_type(x509.DNSName))


def test_a_certificate_is_issued_kept_and_renewed_and_users_notice_nothing(
    single: Stack, authority: Authority, host: ComposeMachine
) -> None:
    assert shown(single).issuer == shown(single).subject, "signed by nobody"
    probe = Probe(f"{single.output('url')}/", serving=True)
    probe.start()
    host.certify(wanted(authority))
    issued = shown(single)
    assert names(issued) == [DOMAIN] and "Pebble" in issued.issuer.rfc4514_string()
    host.certify(wanted(authority))
    assert shown(single) == issued, "what is there is not asked for again"
    docker("exec", machine_of(single), "systemctl", "start", "teammoa-certificate.service")
    renewed = shown(single)
    seen = probe.stop()
    assert names(renewed) == [DOMAIN] and renewed.serial_number != issued.serial_number
    assert seen.failures == 0, seen
    timers = docker("exec", machine_of(single), "systemctl", "list-timers", "--no-pager")
    assert "teammoa-certificate.timer" in timers


def test_a_refusal_says_why_and_leaves_what_is_shown(single: Stack, authority: Authority, host: ComposeMachine) -> None:
    before = shown(single)
    authority.point("elsewhere.example.com", "127.0.0.1")
    with pytest.raises(HostError, match=r"web-1: https://.* issues no certificate for elsewhere\.example\.com: .+"):
        host.certify(wanted(authority, "elsewhere.example.com"))
    assert shown(single) == before
