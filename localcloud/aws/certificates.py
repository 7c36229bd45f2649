"""The certificate an HTTPS listener shows: ACM's imported one, else a self-signed one for the domain."""

import datetime
import functools
import ipaddress
from typing import Any

from ministack.services import acm


def bundle(arns: tuple[str, ...], address: str) -> str:
    """Certificate, chain and private key as one PEM text."""
    record: dict[str, Any] = {}
    for arn in arns[:1]:
        record = next((item for key, item in acm._certificates.all_items() if key[2] == arn), {})
    if record.get("_private_key"):
        parts = (record["_pem_body"], record.get("_pem_chain") or "", record["_private_key"])
        return "\n".join(_text(part).strip() for part in parts if part) + "\n"
    names = tuple(dict.fromkeys([record.get("DomainName") or "localhost", *record.get("SubjectAlternativeNames", [])]))
    return _self_signed(names, address)


def _text(part: str | bytes) -> str:
    return part.decode() if isinstance(part, bytes) else part


@functools.cache
def _self_signed(names: tuple[str, ...], address: str) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0][:64])])
    now = datetime.datetime.now(datetime.UTC)
    alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    alternatives.append(x509.IPAddress(ipaddress.ip_address(address)))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode() + private.decode()
