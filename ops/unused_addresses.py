"""Elastic IP addresses that cost and serve nobody: python -m ops.unused_addresses REGION…

Each that no network interface has is a line: region, address, allocation id, name, and the way to give it back. The
exit code is 1 where there are any, so that a schedule notices.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ops.errors import OpsError, run_command, say

HOUR_USD = 0.005  # https://aws.amazon.com/vpc/pricing/ and the document's
HOURS = 730  # a month, as the document counts


@dataclass(frozen=True, kw_only=True)
class Address:
    region: str
    address: str
    allocation: str
    name: str

    @property
    def line(self) -> str:
        release = f"aws ec2 release-address --region {self.region} --allocation-id {self.allocation}"
        return "  ".join((self.region, self.address, self.allocation, self.name or "-", release))


def unused(region: str, addresses: Sequence[dict[str, Any]]) -> list[Address]:
    """Those of EC2's answer that nothing has; one whose instance is stopped is in use, and costs all the same."""
    return [
        Address(
            region=region,
            address=str(address["PublicIp"]),
            allocation=str(address.get("AllocationId", "-")),
            name=next((tag["Value"] for tag in address.get("Tags", []) if tag["Key"] == "Name"), ""),
        )
        for address in addresses
        if not address.get("AssociationId") and not address.get("InstanceId")
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.unused_addresses", description="Addresses that serve nobody.")
    parser.add_argument("regions", nargs="+", metavar="REGION", help="such as ap-northeast-2")
    found: list[Address] = []
    for region in parser.parse_args(arguments).regions:
        found += unused(region, _addresses(region))
    for address in found:
        print(address.line)
    if found:
        say(f"{len(found)} unused, ${len(found) * HOUR_USD * HOURS:.2f} a month")
    return 1 if found else 0


def _addresses(region: str) -> list[dict[str, Any]]:
    import boto3

    try:
        answer: list[dict[str, Any]] = boto3.client("ec2", region_name=region).describe_addresses()["Addresses"]
    except (BotoCoreError, ClientError) as error:
        raise OpsError(f"AWS does not tell the addresses of {region}: {error}") from error
    return answer


if __name__ == "__main__":
    run_command(main)
