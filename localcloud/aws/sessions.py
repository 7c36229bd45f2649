"""Credentials of a role that a service takes, as CodeBuild does for a build: real sessions, under enforced IAM."""

import time
from typing import Any
from urllib.parse import unquote

from ministack.core.responses import get_account_id
from ministack.services import iam, sts

SESSION_SECONDS = 12 * 3600


class RoleError(Exception):
    """The service may not take the role; AWS's words."""


def service_session(role_arn: str, service: str, name: str) -> dict[str, str]:
    """Environment variables of a session of the role; raises `RoleError` unless its trust policy names the service."""
    role = iam._roles.get(role_arn.rpartition("/")[2])
    if role is None or not _trusts(role, service):
        raise RoleError(f"{service} is not authorized to perform: sts:AssumeRole on {role_arn}")
    key, secret, token = sts._gen_session_access_key(), sts._gen_secret(), sts._gen_session_token()
    sts.register_session(
        key,
        {
            "Arn": f"arn:aws:sts::{get_account_id()}:assumed-role/{role['RoleName']}/{name}",
            "UserId": f"{role['RoleId']}:{name}",
            "SecretAccessKey": secret,
            "SessionToken": token,
            "Expiration": time.time() + SESSION_SECONDS,
            "AccountId": get_account_id(),
            "PrincipalType": "AssumedRole",
            "SourceAccessKeyId": "",
            "SourcePrincipalArn": service,
            "SessionTags": [],
            "SessionPolicies": None,
        },
    )
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}


def _trusts(role: dict[str, Any], service: str) -> bool:
    import json

    document = role.get("AssumeRolePolicyDocument") or "{}"
    content = json.loads(unquote(document)) if isinstance(document, str) else document
    statements = content.get("Statement") or []
    for statement in statements if isinstance(statements, list) else [statements]:
        services = (statement.get("Principal") or {}).get("Service") or []
        if statement.get("Effect") == "Allow" and service in ([services] if isinstance(services, str) else services):
            return True
    return False
