"""Warnings are errors in tests; this one is the SDK's own, about a class of its own, whenever `ec2` is imported."""

import warnings

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="aws.ec2/encryptioncontrol", category=DeprecationWarning)
    import pulumi_aws.ec2

    pulumi_aws.ec2.Vpc  # noqa: B018 - the SDK imports lazily: this does it
