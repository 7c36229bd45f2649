"""A token of Keystone with the addresses of the services, from identity v2.0 or v3."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import requests

from actions.errors import ReleaseError
from actions.openstack.credentials import Credentials
from actions.openstack.words import sentence

# A service goes by several names; what stands behind its address in the catalogue differs from cloud to cloud.
TYPES = {
    "compute": ("compute",),
    "image": ("image",),
    "network": ("network",),
    "volume": ("volumev3", "block-storage", "volumev2", "volume"),
}
VERSIONS = {"image": "/v2", "network": "/v2.0"}


@dataclass(frozen=True, kw_only=True)
class Token:
    """`text` goes into every request; `catalogue` is service type → address."""

    text: str
    catalogue: dict[str, str]
    region: str
    project: str  # id

    def endpoint(self, service: str) -> str:
        """The address of a service, with its version."""
        for kind in TYPES[service]:
            if kind in self.catalogue:
                address = self.catalogue[kind].rstrip("/")
                version = VERSIONS.get(service, "")
                return f"{address.removesuffix(version)}{version}"
        raise ReleaseError(
            f"the catalogue has no {service} service{f' in the region {self.region}' if self.region else ''}: "
            f"it has {', '.join(sorted(self.catalogue)) or 'none'}"
        )


def fetch(session: requests.Session, credentials: Credentials, timeout: tuple[float, float]) -> Token:
    """Raises `ReleaseError` for credentials that Keystone does not know."""
    address, body = credentials.request()
    response = session.post(address, json=body, headers={"Accept": "application/json"}, timeout=timeout)
    if response.status_code == 401:
        raise ReleaseError(
            f"{credentials.auth_url} does not let {credentials} in: the user, its project or the password in "
            "OS_PASSWORD is wrong"
        )
    if not response.ok:
        raise ReleaseError(f"{credentials.auth_url} gives no token: {sentence(response)}")
    try:
        content = response.json()
        if credentials.is_v2:
            text, project, entries = _v2(content)
        else:
            text, project, entries = _v3(content, response.headers["X-Subject-Token"])
        catalogue = {kind: url for kind, region, url in entries if credentials.region in ("", region)}
    except (KeyError, TypeError, ValueError) as error:
        raise ReleaseError(f"{credentials.auth_url} answers something that is no token: {error!r}") from error
    return Token(text=text, catalogue=catalogue, region=credentials.region, project=project)


Entry = tuple[str, str, str]  # type, region, address


def _v2(content: dict[str, Any]) -> tuple[str, str, Iterator[Entry]]:
    access = content["access"]
    entries = (
        (service["type"], endpoint.get("region", ""), endpoint["publicURL"])
        for service in access["serviceCatalog"]
        for endpoint in service["endpoints"]
    )
    return access["token"]["id"], access["token"]["tenant"]["id"], entries


def _v3(content: dict[str, Any], text: str) -> tuple[str, str, Iterator[Entry]]:
    entries = (
        (service["type"], endpoint.get("region_id") or endpoint.get("region", ""), endpoint["url"])
        for service in content["token"]["catalog"]
        for endpoint in service["endpoints"]
        if endpoint["interface"] == "public"
    )
    return text, content["token"]["project"]["id"], entries
