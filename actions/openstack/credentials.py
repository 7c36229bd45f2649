"""Who speaks to OpenStack, as the environment says it: the variables that every OpenStack tool reads."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actions.environment import text
from actions.errors import ReleaseError


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """One user of one project; identity v2.0 when the address says so, else v3."""

    auth_url: str
    region: str
    user: str
    password: str
    tenant_id: str
    project_name: str
    user_domain: str
    project_domain: str

    @property
    def is_v2(self) -> bool:
        return self.auth_url.endswith("/v2.0")

    def __str__(self) -> str:
        return f"{self.user} of {self.tenant_id or self.project_name}"

    def request(self) -> tuple[str, dict[str, Any]]:
        """Where a token is asked for, and with what."""
        if self.is_v2:
            login = {"username": self.user, "password": self.password}
            return f"{self.auth_url}/tokens", {"auth": {"tenantId": self.tenant_id, "passwordCredentials": login}}
        user = {"name": self.user, "password": self.password, "domain": {"name": self.user_domain}}
        project: dict[str, Any] = {"id": self.tenant_id}
        if not self.tenant_id:
            project = {"name": self.project_name, "domain": {"name": self.project_domain}}
        identity = {"methods": ["password"], "password": {"user": user}}
        address = self.auth_url if self.auth_url.endswith("/v3") else f"{self.auth_url}/v3"
        return f"{address}/auth/tokens", {"auth": {"identity": identity, "scope": {"project": project}}}


def from_environment(environment: Mapping[str, str] = os.environ) -> Credentials:
    """`ReleaseError` names the variable that is missing."""
    if not environment.get("OS_PASSWORD"):
        raise ReleaseError(
            "OS_PASSWORD is not set: the API password comes from the environment of whoever runs `pulumi`"
        )
    if not environment.get("OS_TENANT_ID") and not environment.get("OS_PROJECT_NAME"):
        raise ReleaseError("neither OS_TENANT_ID nor OS_PROJECT_NAME is set: whose servers are meant?")
    return Credentials(
        auth_url=text("OS_AUTH_URL", environment).rstrip("/"),
        region=environment.get("OS_REGION_NAME", ""),
        user=text("OS_USERNAME", environment),
        password=environment["OS_PASSWORD"],
        tenant_id=environment.get("OS_TENANT_ID", ""),
        project_name=environment.get("OS_PROJECT_NAME", ""),
        user_domain=environment.get("OS_USER_DOMAIN_NAME") or "Default",
        project_domain=environment.get("OS_PROJECT_DOMAIN_NAME") or "Default",
    )
