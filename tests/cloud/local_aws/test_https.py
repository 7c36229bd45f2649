"""HTTPS of the local cloud: certificates of its own authority, which the environment it exports trusts."""

import ipaddress
import os
import subprocess
import sys
from pathlib import Path

import certifi
import pytest
import requests
from botocore.exceptions import ClientError
from cryptography import x509

from localcloud.aws.authority import Authority
from tests.cloud.local_aws.conftest import Cloud, Site

FETCH = "import sys, urllib.request; sys.stdout.write(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())"


def test_listener_is_trusted_through_the_environment_and_not_otherwise(site: Site, local_cloud: Cloud) -> None:
    group = site.group()
    certificate = local_cloud.client("acm").request_certificate(DomainName="local.example.org")["CertificateArn"]
    site.listen(group, port=443, Protocol="HTTPS", Certificates=[{"CertificateArn": certificate}])
    (server,) = site.serving(group, "secure")
    url, trusted = f"https://{site.host}/", local_cloud.environment["REQUESTS_CA_BUNDLE"]
    assert requests.get(url, timeout=5, verify=trusted).text == "secure"
    assert server.headers["x-forwarded-proto"] == "https"
    assert server.headers["x-forwarded-port"] == "443"
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(url, timeout=5, verify=certifi.where())
    environment = {**os.environ, **local_cloud.environment}
    for command in (["curl", "-fsS", url], [sys.executable, "-c", FETCH, url]):
        assert subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout == "secure"


def test_certificate_that_is_there_from_the_start_names_every_balancer(site: Site, local_cloud: Cloud) -> None:
    acm = local_cloud.client("acm")
    listed = acm.list_certificates(CertificateStatuses=["ISSUED"])["CertificateSummaryList"]
    (arn,) = [one["CertificateArn"] for one in listed if one["DomainName"] == "teammoa.local"]
    shown = acm.get_certificate(CertificateArn=arn)
    certificate = x509.load_pem_x509_certificate(shown["Certificate"].encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["teammoa.local"]
    assert ipaddress.ip_address(site.host) in names.get_values_for_type(x509.IPAddress)
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(shown["CertificateChain"].encode()))


def test_imported_certificate_is_known_by_its_names(local_cloud: Cloud, tmp_path: Path) -> None:
    issued = Authority(tmp_path / "another").issue(["imported.example.org", "other.example.org"])
    acm = local_cloud.client("acm")
    arn = acm.import_certificate(Certificate=issued.certificate.encode(), PrivateKey=issued.key.encode())
    shown = acm.describe_certificate(CertificateArn=arn["CertificateArn"])["Certificate"]
    assert shown["DomainName"] == "imported.example.org"
    assert shown["SubjectAlternativeNames"] == ["imported.example.org", "other.example.org"]
    with pytest.raises(ClientError, match="not a valid PEM certificate"):
        acm.import_certificate(Certificate=b"nothing", PrivateKey=issued.key.encode())


def test_bundle_keeps_what_was_trusted_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    company = Authority(tmp_path / "company").issue(["company.example.org"]).chain
    before = tmp_path / "company.pem"
    before.write_text(company)
    monkeypatch.setenv("SSL_CERT_FILE", str(before))
    authority = Authority(tmp_path / "cloud")
    text = authority.bundle().read_text()
    assert company in text
    assert authority.issue(["x.example.org"]).chain in text


def test_runner_hears_its_address_as_machines_see_it(local_cloud: Cloud) -> None:
    answer = requests.get(local_cloud.environment["RUNNER_ADDRESS_URL"], timeout=5)
    port = int(local_cloud.endpoint.rsplit(":", 1)[-1])
    assert answer.text.strip() == f"10.{port >> 8}.{port & 255}.1"
