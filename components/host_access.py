"""How an action reaches a system's hosts: by SSH, opened for the runner's address alone, or by SSM Run Command."""

from dataclasses import dataclass

import pulumi

METHODS = ("ssh", "ssm")


@dataclass(frozen=True, kw_only=True)
class HostAccess:
    """What an action needs to reach a host and to know it again; no key passes through here, only where it lies."""

    method: str  # ssh or ssm
    user: str  # who logs in, and may use sudo
    key_parameter: str  # SSM SecureString of the private key
    host_keys_prefix: str  # before `<instance id>/host-key`, the SSM parameter each host publishes itself

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"access.method must be one of {', '.join(METHODS)}, got {self.method}")

    def environment(self, security_group_id: pulumi.Input[str]) -> dict[str, pulumi.Input[str]]:
        """The variables of an action that works on hosts of this security group, whose port 22 it opens and closes."""
        return {
            "ACCESS": self.method,
            "SSH_USER": self.user,
            "SSH_KEY_PARAMETER": self.key_parameter,
            "HOST_KEYS_PREFIX": self.host_keys_prefix,
            "SECURITY_GROUP": security_group_id,
        }
