"""Declare the services of the data host: brought up when they are new or changed, never by a release."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_command import local

from components.host_access import HostAccess
from components.release.rolling import FleetHost, hosts_json

APPLY = "python -m actions.apply_data"


@dataclass(frozen=True, kw_only=True)
class DataProjectArgs:
    host: FleetHost
    security_group_id: pulumi.Input[str]  # of the host
    access: HostAccess
    compose: pulumi.Input[str]  # text of compose.yaml
    variables: Mapping[str, str]  # of the services → SSM parameter name
    backup_schedule: str  # systemd's OnCalendar
    backup_bucket: pulumi.Input[str]
    backup_prefix: str
    region: str
    project: str
    directory: str
    timeout_seconds: int


class DataProject(pulumi.ComponentResource):
    """Ends with both services healthy and the backup on its schedule; comes before the first release."""

    def __init__(self, name: str, args: DataProjectArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:data:DataProject", name, None, opts)
        local.Command(
            f"{name}-data",
            create=APPLY,
            update=APPLY,
            environment={
                "HOST": hosts_json([args.host]).apply(lambda hosts: json.dumps(json.loads(hosts)[0])),
                "COMPOSE": args.compose,
                "VARIABLES": json.dumps(dict(sorted(args.variables.items()))),
                "BACKUP_SCHEDULE": args.backup_schedule,
                "BACKUP_BUCKET": args.backup_bucket,
                "BACKUP_PREFIX": args.backup_prefix,
                "REGION": args.region,
                "PROJECT": args.project,
                "APP_DIR": args.directory,
                "TIMEOUT_SECONDS": str(args.timeout_seconds),
                **args.access.environment(args.security_group_id),
            },
            logging=local.Logging.STDERR,
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
