"""TeamMoa's settings for one host without a balancer: what belongs together, and what means nothing then."""

from dataclasses import dataclass

from stacks import shared_settings as shared
from stacks.config_reader import Section

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
CERTBOT = "certbot/certbot:v5.1.0"
OF_A_BALANCER = (
    *("certificateArn", "certificateDomain", "stickiness", "idleTimeoutSeconds", "deregistrationDelaySeconds"),
    *("instanceIds", "securityGroupId"),
)
ONE = "but must be 1: balancer is false, and nobody else shares users among hosts"


@dataclass(frozen=True, kw_only=True)
class LetsEncryptSettings:
    """Who issues the certificate of the domain, and to whom."""

    email: str
    server: str  # ACME directory: Let's Encrypt's, its staging, or a private authority's
    image: str  # with certbot


def check(config: Section, balancer: bool) -> None:
    """Refuse what cannot be meant of hosts behind a balancer, or of one host without."""
    if balancer:
        if config.has("letsEncrypt"):
            config.refuse("letsEncrypt", "is set, but the balancer ends TLS: use certificateDomain or balancer: false")
        return
    if not config.has("hostCount"):
        config.refuse("hostCount", f"is missing, {ONE}")
    if config.integer("hostCount", 1, 1, 1000) != 1:
        config.refuse("hostCount", f"is {config.values['hostCount']}, {ONE}")
    refuse(config, balancer, *OF_A_BALANCER)
    for key, other in (("domain", "letsEncrypt"), ("letsEncrypt", "domain")):
        if config.has(key) and not config.has(other):
            config.refuse(other, f"is missing, but {key} is set: a name is served with its certificate, so set both")


def refuse(section: Section, balancer: bool, *keys: str) -> None:
    """End the program with one sentence about the first of these keys that means something with a balancer only."""
    for key in keys:
        if section.has(key) and not balancer:
            section.refuse(key, "means nothing with balancer: false, so take it away")


def lets_encrypt(config: Section) -> LetsEncryptSettings:
    given = config.section("letsEncrypt", LetsEncryptSettings)
    return LetsEncryptSettings(
        email=shared.email(given),
        server=given.text("server", LETS_ENCRYPT, r"https://[!-~]+", "the https address of an ACME directory"),
        image=shared.image(given, "image", CERTBOT),
    )
