"""How the program and its actions speak to OpenStack: the same user of the same project; the password is in neither."""

from dataclasses import dataclass

import pulumi_openstack as openstack

MAX_RETRIES = 5  # of the provider's requests; without it none is repeated


@dataclass(frozen=True, kw_only=True)
class OpenStackAccess:
    """Identity v2.0 (address ends in /v2.0; tenant) or v3 (tenant, or project by name with domains)."""

    auth_url: str
    region: str
    user: str
    tenant_id: str | None = None
    project_name: str | None = None
    user_domain: str = "Default"
    project_domain: str = "Default"

    def __post_init__(self) -> None:
        if not self.tenant_id and not self.project_name:
            raise ValueError("OpenStack wants a tenant id or a project name, got neither")

    @property
    def _is_v2(self) -> bool:
        return self.auth_url.rstrip("/").endswith("/v2.0")

    def environment(self) -> dict[str, str]:
        """What the actions read; OS_PASSWORD they inherit from whoever runs `pulumi`."""
        given = {"OS_AUTH_URL": self.auth_url, "OS_REGION_NAME": self.region, "OS_USERNAME": self.user}
        given["OS_TENANT_ID"] = self.tenant_id or ""
        if not self._is_v2:
            given["OS_PROJECT_NAME"] = self.project_name or ""
            given["OS_USER_DOMAIN_NAME"] = self.user_domain
            given["OS_PROJECT_DOMAIN_NAME"] = self.project_domain
        return given

    def provider(self, name: str) -> openstack.Provider:
        return openstack.Provider(
            name,
            auth_url=self.auth_url,
            region=self.region,
            user_name=self.user,
            tenant_id=self.tenant_id,
            tenant_name=self.project_name,
            user_domain_name=None if self._is_v2 else self.user_domain,
            project_domain_name=None if self._is_v2 else self.project_domain,
            max_retries=MAX_RETRIES,
        )
