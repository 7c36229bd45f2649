"""iam:PassRole, asked of whoever gives an instance a role: MiniStack asks nobody."""

from typing import Any
from urllib.parse import parse_qs

from localcloud.aws.ec2.engine import Record, Response, ec2, iam, role_in, scope
from localcloud.aws.identity import Principal

_ACTIONS = {"RunInstances", "AssociateIamInstanceProfile", "ReplaceIamInstanceProfileAssociation"}


def guarded(handler: Any) -> Any:
    """MiniStack's EC2 handler behind the question whether the caller may pass the role of the instance profile."""
    from ministack.core.router import extract_access_key_id

    async def handle(method: str, path: str, headers: Any, body: bytes, query: Any) -> Response:
        params = {**query, **parse_qs(body.decode("utf-8", errors="replace"))}
        role = _role_passed(params) if ec2._p(params, "Action") in _ACTIONS else None
        if role is not None:
            caller = Principal(extract_access_key_id(headers, query), *scope())
            refusal = caller.refusal("iam:PassRole", role["Arn"], {"iam:PassedToService": "ec2.amazonaws.com"})
            if refusal:
                return ec2._error("UnauthorizedOperation", f"You are not authorized: {refusal}", 403)
        return await handler(method, path, headers, body, query)

    return handle


def _role_passed(params: Record) -> Record | None:
    name, arn = (ec2._p(params, f"IamInstanceProfile.{field}") for field in ("Name", "Arn"))
    profile = iam._lookup_instance_profile(name=name, arn=arn) if name or arn else None
    return role_in(profile)
