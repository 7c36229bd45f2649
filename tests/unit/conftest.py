"""Warnings are errors in tests: here is what the SDK leaves behind for others to tidy."""

import asyncio
import warnings

import pytest

with warnings.catch_warnings():
    # About classes of the SDK's own, whenever `ec2` or `s3` is imported.
    warnings.filterwarnings("ignore", message="aws.(ec2/encryptioncontrol|s3/)|s3.", category=DeprecationWarning)
    warnings.filterwarnings("ignore", message="openstack.", category=DeprecationWarning)
    import pulumi_aws.ec2
    import pulumi_aws.s3
    import pulumi_openstack

    # The SDK imports lazily: this does it.
    pulumi_aws.ec2.Vpc  # noqa: B018
    pulumi_aws.s3.Bucket  # noqa: B018
    for service in (pulumi_openstack.compute, pulumi_openstack.images, pulumi_openstack.networking):
        service.__doc__  # noqa: B018


KEPT: list[asyncio.AbstractEventLoop] = []


@pytest.fixture(scope="session", autouse=True)
def kept_event_loops() -> None:
    """The SDK's mocks open an event loop in each thread and drop it unclosed; kept, it ends with the process."""
    policy = asyncio.get_event_loop_policy()
    new_event_loop = policy.new_event_loop

    def kept() -> asyncio.AbstractEventLoop:
        KEPT.append(new_event_loop())
        return KEPT[-1]

    policy.new_event_loop = kept  # type: ignore[method-assign]
