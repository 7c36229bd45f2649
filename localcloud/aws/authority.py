"""The certificate authority of one local cloud: who trusts its bundle, trusts its load balancers."""

import datetime
import ipaddress
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.aws.home import TRUST

_SYSTEM = Path("/etc/ssl/certs/ca-certificates.crt")
_YEARS = datetime.timedelta(days=3650)
_ISSUED_FOR = datetime.timedelta(days=365)


@dataclass(frozen=True, kw_only=True)
class Issued:
    """A certificate, the authority's own as its chain, and the private key; each as PEM."""

    certificate: str
    chain: str
    key: str


class Authority:
    """Made once per home. Its key signs for this cloud only and never leaves the directory."""

    def __init__(self, directory: Path) -> None:
        self._certificate = directory / "ca.pem"
        self._key = directory / "ca.key"
        self._bundle = directory / "bundle.pem"

    def bundle(self) -> Path:
        """What to trust: whatever was trusted before, and this authority."""
        if not self._bundle.exists():
            own = self._load()[0]
            temporary = self._bundle.with_suffix(".new")
            temporary.write_text(f"{_trusted_before(self._bundle)}\n{own}")
            temporary.replace(self._bundle)
        return self._bundle

    def issue(self, names: Iterable[str], addresses: Iterable[str] = ()) -> Issued:
        """A server certificate for these DNS names and addresses; the first name is its subject."""
        from cryptography import x509
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import ExtendedKeyUsageOID

        own, own_key = self._load()
        authority = x509.load_pem_x509_certificate(own.encode())
        signing = serialization.load_pem_private_key(own_key.encode(), password=None)
        key = ec.generate_private_key(ec.SECP256R1())
        listed = list(dict.fromkeys(names))
        alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in listed]
        alternatives += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
        builder = (
            _builder(listed[0], key, _ISSUED_FOR)
            .issuer_name(authority.subject)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(_issued_by(authority), critical=False)
        )
        return Issued(certificate=_signed(builder, signing), chain=own, key=_private(key))

    def _load(self) -> tuple[str, str]:
        """The authority's certificate and key, made at the first call."""
        if not self._certificate.exists():
            self._make()
        return self._certificate.read_text(), self._key.read_text()

    def _make(self) -> None:
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import ec

        self._certificate.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder("Local cloud", key, _YEARS)
        builder = (
            builder.issuer_name(builder._subject_name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_for_signing(), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        self._key.touch(mode=0o600)
        self._key.write_text(_private(key))
        temporary = self._certificate.with_suffix(".new")
        temporary.write_text(_signed(builder, key))
        temporary.replace(self._certificate)  # the last step: a certificate has its key


def _trusted_before(own: Path) -> str:
    named = (Path(os.environ[name]) for name in TRUST if os.environ.get(name))
    # A caller's bundle may be another cloud's, or this one's before it was removed: those are not the system's word.
    found = next((path for path in (*named, _SYSTEM) if path.is_file() and path.name != own.name), None)
    return found.read_text(errors="replace") if found else ""


def _builder(name: str, key: Any, valid: datetime.timedelta) -> Any:
    from cryptography import x509

    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name[:64])]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + valid)
    )


def _for_signing() -> Any:
    from cryptography import x509

    purposes = dict.fromkeys(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    return x509.KeyUsage(**purposes, key_cert_sign=True, crl_sign=True)


def _issued_by(authority: Any) -> Any:
    from cryptography import x509

    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _signed(builder: Any, key: Any) -> str:
    from cryptography.hazmat.primitives import hashes, serialization

    return str(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode())


def _private(key: Any) -> str:
    from cryptography.hazmat.primitives import serialization

    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return str(key.private_bytes(encoding, form, serialization.NoEncryption()).decode())
