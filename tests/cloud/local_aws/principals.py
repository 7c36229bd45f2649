"""Roles of the tests, and tokens like GitHub's."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable
from typing import Any

from tests.cloud.local_aws.conftest import Cloud

ISSUER = "token.actions.githubusercontent.com"
ANYBODY = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}


def make_role(cloud: Cloud, name: str, *grants: tuple[Iterable[str], str], trust: dict[str, Any] = ANYBODY) -> str:
    """A role with one statement per (actions, resource), replaced when it is there already."""
    iam = cloud.client("iam")
    policy = {"Version": "2012-10-17", "Statement": [trust]}
    arn = str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy))["Role"]["Arn"])
    statements = [{"Effect": "Allow", "Action": list(actions), "Resource": on} for actions, on in grants]
    if statements:
        document = {"Version": "2012-10-17", "Statement": statements}
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(document))
    return arn


def role_keys(cloud: Cloud, name: str, *grants: tuple[Iterable[str], str]) -> tuple[str, str, str]:
    """The temporary keys of a new role with these grants."""
    arn = make_role(cloud, name, *grants)
    found = cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    return found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]


def token(**claims: Any) -> str:
    """A token with GitHub's claims, changed by `claims`; one that is None is left out."""
    full = {
        "iss": f"https://{ISSUER}",
        "aud": "sts.amazonaws.com",
        "sub": "repo:org/app:ref:refs/heads/main",
        "exp": 4102444800,
        **claims,
    }

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    content = json.dumps({name: value for name, value in full.items() if value is not None}).encode()
    head = f"{part(b'{}')}.{part(content)}"
    return f"{head}.{part(hmac.new(b'test', head.encode(), hashlib.sha256).digest())}"
