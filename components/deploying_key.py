"""The key with which releases log in on a system's hosts: made once, kept by SSM, seen by nobody."""

from dataclasses import dataclass

import pulumi
from pulumi_command import local

MAKE = "python -m actions.deploying_key"
FORGET = "python -m actions.forget_keys"  # also what the hosts said of themselves; runs when they are gone


@dataclass(frozen=True, kw_only=True)
class DeployingKeyArgs:
    parameter: str  # SSM SecureString of the private half; the public half is `<this>.pub`
    host_keys_prefix: str
    region: str


class DeployingKey(pulumi.ComponentResource):
    """Comes before the hosts, which let it in at their first boot; Pulumi's state holds its public half only."""

    def __init__(self, name: str, args: DeployingKeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:access:DeployingKey", name, None, opts)
        local.Command(
            f"{name}-deploying-key",
            create=MAKE,
            update=MAKE,
            delete=FORGET,
            environment={
                "SSH_KEY_PARAMETER": args.parameter,
                "HOST_KEYS_PREFIX": args.host_keys_prefix,
                "REGION": args.region,
            },
            logging=local.Logging.STDERR,
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
