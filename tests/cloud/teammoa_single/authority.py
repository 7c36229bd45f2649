"""An authority of the tests: Pebble, which speaks ACME as Let's Encrypt does, and the names that it believes."""

import datetime
import ipaddress
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from localcloud.up.paths import BIN
from tests.ports import free_port
from tests.waiting import until

DAYS = 2  # of a certificate: certbot renews it at once


@dataclass(frozen=True, kw_only=True)
class Authority:
    """Where it is reached, and who signs its own server's certificate."""

    server: str  # ACME directory
    trusted: str  # PEM
    names: str  # where its names are changed

    def point(self, domain: str, address: str) -> None:
        said = {"host": domain, "addresses": [address]}
        requests.post(f"{self.names}/add-a", json=said, timeout=10).raise_for_status()


@contextmanager
def running(home: Path, seen_at: str, default: str) -> Iterator[Authority]:
    """`seen_at`: the address under which hosts see this machine; every name points to `default` at first."""
    names, dns, acme, management = (free_port() for _ in range(4))
    key, certificate = own_certificate(seen_at)
    (home / "key.pem").write_bytes(key)
    (home / "certificate.pem").write_bytes(certificate)
    config = {
        "listenAddress": f"0.0.0.0:{acme}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(home / "certificate.pem"),
        "privateKey": str(home / "key.pem"),
        "httpPort": 80,
        "tlsPort": 443,
        "profiles": {"default": {"description": "short", "validityPeriod": DAYS * 86400}},
    }
    (home / "pebble.json").write_text(json.dumps({"pebble": config}))
    nothing = [f"-{kind}=" for kind in ("http01", "https01", "tlsalpn01", "doh", "defaultIPv6")]
    says = ["pebble-challtestsrv", f"-dnsserver=127.0.0.1:{dns}", f"-management=127.0.0.1:{names}", *nothing]
    asks = ["pebble", "-config", str(home / "pebble.json"), "-dnsserver", f"127.0.0.1:{dns}"]
    environment = {
        **os.environ,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "PEBBLE_VA_NOSLEEP": "1",
        "PEBBLE_WFE_NONCEREJECT": "0",
    }
    with (home / "log").open("w") as log:
        started = [
            subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            for command in ([*says, f"-defaultIPv4={default}"], asks)
        ]
        try:
            directory = f"https://127.0.0.1:{acme}/dir"
            until(lambda: answers(directory) and answers(f"http://127.0.0.1:{names}/"), "Pebble answers", 60)
            yield Authority(
                server=f"https://{seen_at}:{acme}/dir",
                trusted=certificate.decode(),
                names=f"http://127.0.0.1:{names}",
            )
        finally:
            for process in started:
                process.terminate()
                process.wait(10)


def answers(url: str) -> bool:
    """Whether somebody is there, whatever is said."""
    try:
        requests.get(url, timeout=5, verify=False)  # noqa: S501 - it is ours
    except requests.RequestException:
        return False
    return True


def own_certificate(address: str) -> tuple[bytes, bytes]:
    """Key and certificate of a server at this address, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of the tests")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private, made.public_bytes(Encoding.PEM)
