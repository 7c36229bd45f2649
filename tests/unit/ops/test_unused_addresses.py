"""Addresses that cost and serve nobody are named; those in use are not."""

from typing import Any

import pytest

from ops import unused_addresses

FREE = {"PublicIp": "198.51.100.1", "AllocationId": "eipalloc-1", "Tags": [{"Key": "Name", "Value": "old"}]}
NAMELESS = {"PublicIp": "198.51.100.2", "AllocationId": "eipalloc-2"}
USED = {"PublicIp": "198.51.100.3", "AllocationId": "eipalloc-3", "AssociationId": "eipassoc-3"}
OF_INSTANCE = {"PublicIp": "198.51.100.4", "AllocationId": "eipalloc-4", "InstanceId": "i-4"}


def test_only_what_nothing_has_is_unused() -> None:
    found = unused_addresses.unused("us-east-1", [FREE, USED, NAMELESS, OF_INSTANCE])
    assert [(one.address, one.name) for one in found] == [("198.51.100.1", "old"), ("198.51.100.2", "")]
    assert found[0].line.endswith("aws ec2 release-address --region us-east-1 --allocation-id eipalloc-1")


@pytest.mark.parametrize(("addresses", "code"), [([FREE, NAMELESS], 1), ([USED], 0), ([], 0)])
def test_the_exit_code_tells_whether_there_are_any(
    addresses: list[dict[str, Any]], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(unused_addresses, "_addresses", lambda _region: addresses)
    assert unused_addresses.main(["us-east-1"]) == code
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == code * len(addresses)
    assert ("2 unused, $7.30 a month" in printed.err) == bool(code)
