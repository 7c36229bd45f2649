"""How viewers reach a site's edge. Pure."""

PROTOCOLS = ("redirect-to-https", "https-only", "allow-all")


def scheme(protocol: str) -> str:
    """Of the address that a site is known by."""
    return "http" if protocol == "allow-all" else "https"
