"""ACM with certificates that are real: signed by the cloud's own authority, shown by its HTTPS listeners."""

from collections.abc import Callable
from typing import Any

from ministack.services import acm

from localcloud.aws import addresses
from localcloud.aws.authority import Authority, Issued

DOMAINS = ("teammoa.local",)  # there from the start, as they are in an account where somebody validated them
Record = dict[str, Any]


class Certificates:
    """Every certificate also holds the addresses of the cloud's load balancers, which have no other names."""

    def __init__(self, authority: Authority, port: int) -> None:
        self._authority = authority
        self._addresses = addresses.balancers(port)
        self._unnamed: Issued | None = None

    def install(self) -> None:
        """Put these in place of MiniStack's placeholders, and have the certificates of DOMAINS."""
        acm._request_certificate = self._requested(acm._request_certificate)
        acm._import_certificate = _imported(acm._import_certificate)
        for domain in DOMAINS:
            acm._request_certificate({"DomainName": domain})

    def _requested(self, original: Callable[[Record], Any]) -> Callable[[Record], Any]:
        def request(data: Record) -> Any:
            before = set(acm._certificates)
            answer = original(data)
            for arn in set(acm._certificates) - before:
                record = acm._certificates[arn]
                issued = self._authority.issue(record["SubjectAlternativeNames"], self._addresses)
                record |= {"_pem_body": issued.certificate, "_pem_chain": issued.chain, "_private_key": issued.key}
            return answer

        return request

    def bundle(self, arns: tuple[str, ...]) -> str:
        """Certificate, chain and private key as one PEM text; one without a name when ACM's is gone."""
        found = [item for key, item in acm._certificates.all_items() if key[2] in arns[:1]]
        if found:
            parts = (found[0]["_pem_body"], found[0]["_pem_chain"], found[0]["_private_key"])
        else:
            self._unnamed = self._unnamed or self._authority.issue(["localhost"], self._addresses)
            parts = (self._unnamed.certificate, self._unnamed.chain, self._unnamed.key)
        return "\n".join(part.strip() for part in parts if part) + "\n"


def _imported(original: Callable[[Record], Any]) -> Callable[[Record], Any]:
    """ImportCertificate that reads whom the certificate is for, and refuses what is none."""

    def keep(data: Record) -> Any:
        body = acm._decode_pem_field(data.get("Certificate"))
        try:
            names = _names(body)
        except ValueError:
            message = "The certificate field contains more than one certificate or is not a valid PEM certificate."
            return acm.error_response_json("ValidationException", message, 400)
        before = set(acm._certificates)
        answer = original(data)
        for arn in {*(set(acm._certificates) - before), data.get("CertificateArn")} & set(acm._certificates):
            acm._certificates[arn] |= {"DomainName": names[0], "SubjectAlternativeNames": names}
        return answer

    return keep


def _names(body: str) -> list[str]:
    """The common name and the DNS names."""
    from cryptography import x509

    certificate = x509.load_pem_x509_certificate(body.encode())
    common = [str(one.value) for one in certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    try:
        others = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        common += others.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        pass
    return list(dict.fromkeys(common)) or ["unnamed"]
