"""The table of releases: the last verified one with the one before it, and the release lock; no history."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import dynamodb


@dataclass(frozen=True, kw_only=True)
class RecordsArgs:
    table: str
    deletion_protection: bool  # also keeps 35 days of restore points: overwritten is deleted, too


class Records(pulumi.ComponentResource):
    """A small table, paid by the request, keyed by `id`."""

    table: pulumi.Output[str]

    def __init__(self, name: str, args: RecordsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:records:Records", name, None, opts)
        table = dynamodb.Table(
            f"{name}-releases",
            name=args.table,
            billing_mode="PAY_PER_REQUEST",
            hash_key="id",
            attributes=[dynamodb.TableAttributeArgs(name="id", type="S")],
            point_in_time_recovery=dynamodb.TablePointInTimeRecoveryArgs(enabled=args.deletion_protection),
            deletion_protection_enabled=args.deletion_protection,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.table = table.name
        self.register_outputs({"table": self.table})
