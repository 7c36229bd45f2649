"""The instance metadata service, version 2: every machine sees its own instance, told by the address it calls from."""

import json
import secrets
import time
from collections.abc import Callable
from typing import Any

from localcloud.aws.ec2.engine import Record, Scope, every_instance, role_of, scoped, sts

ADDRESS = "169.254.169.254"
CREDENTIAL_SECONDS = 6 * 3600  # EC2's own; renewed at every question within the last hour
RENEW_SECONDS = 3600
LONGEST_TOKEN = 21600
_TOKEN = "x-aws-ec2-metadata-token"
Answer = tuple[int, str]


class Metadata:
    """Answers what machines ask at 169.254.169.254."""

    def __init__(self) -> None:
        self._tokens: dict[str, tuple[str, float]] = {}  # token → instance, end
        self._credentials: dict[tuple[str, str], Record] = {}  # instance, role → document

    def answer(self, method: str, path: str, headers: dict[str, str], caller: str) -> Answer:
        """Status and text for a request from this address."""
        found = _instance_at(caller)
        if found is None:
            return 404, "no instance has this address"
        place, instance = found
        if path == "/latest/api/token":
            return self._token(method, headers, instance["InstanceId"])
        if method != "GET":
            return 405, "Method Not Allowed"
        owner, end = self._tokens.get(headers.get(_TOKEN, ""), ("", 0.0))
        if owner != instance["InstanceId"] or end < time.time():
            return 401, "Unauthorized"
        with scoped(place):
            return self._document(path, place, instance)

    def _token(self, method: str, headers: dict[str, str], instance_id: str) -> Answer:
        if method != "PUT":
            return 405, "Method Not Allowed"
        seconds = headers.get(f"{_TOKEN}-ttl-seconds", "")
        if not seconds.isdigit() or not 0 < int(seconds) <= LONGEST_TOKEN:
            return 400, "Bad Request"
        token = secrets.token_urlsafe(40)
        self._tokens[token] = instance_id, time.time() + int(seconds)
        return 200, token

    def _document(self, path: str, place: Scope, instance: Record) -> Answer:
        prefix = "/latest/meta-data/iam/security-credentials/"
        role = role_of(instance)
        if path.rstrip("/") == prefix.rstrip("/"):
            return (200, role["RoleName"]) if role else (404, "Not Found")
        if path.startswith(prefix):
            if role is None or path.removeprefix(prefix) != role["RoleName"]:
                return 404, "Not Found"
            return 200, json.dumps(self._role_credentials(place, instance, role), indent=2)
        maker = _DOCUMENTS.get(path.rstrip("/"))
        text = maker(place, instance) if maker else _listing(path)
        return (200, text) if text else (404, "Not Found")

    def _role_credentials(self, place: Scope, instance: Record, role: Record) -> Record:
        if not trusts_ec2(role):
            message = "EC2 cannot assume the role. Please see documentation at https://docs.amazonwebservices.com/IAM"
            return {"Code": "AssumeRoleUnauthorizedAccess", "Message": message, "LastUpdated": _iso(time.time())}
        key = instance["InstanceId"], role["RoleName"]
        known = self._credentials.get(key)
        if known is None or known["_end"] - time.time() < RENEW_SECONDS:
            known = self._credentials[key] = _new_session(place, instance, role)
        return {name: value for name, value in known.items() if not name.startswith("_")}


def _new_session(place: Scope, instance: Record, role: Record) -> Record:
    """Credentials of the instance's role, checked by IAM like every assumed role's."""
    now = time.time()
    end = now + CREDENTIAL_SECONDS
    access_key, secret, token = sts._gen_session_access_key(), sts._gen_secret(), sts._gen_session_token()
    account, _ = place
    sts.register_session(
        access_key,
        {
            "Arn": f"arn:aws:sts::{account}:assumed-role/{role['RoleName']}/{instance['InstanceId']}",
            "UserId": f"{role['RoleId']}:{instance['InstanceId']}",
            "SecretAccessKey": secret,
            "SessionToken": token,
            "Expiration": end,
            "AccountId": account,
            "PrincipalType": "AssumedRole",
            "SourceAccessKeyId": "",
            "SourcePrincipalArn": "",
            "SessionTags": [],
            "SessionPolicies": None,
        },
    )
    return {
        "Code": "Success",
        "LastUpdated": _iso(now),
        "Type": "AWS-HMAC",
        "AccessKeyId": access_key,
        "SecretAccessKey": secret,
        "Token": token,
        "Expiration": _iso(end),
        "_end": end,
    }


def trusts_ec2(role: Record) -> bool:
    """Whether the role's trust policy lets EC2 assume it."""
    document = role.get("AssumeRolePolicyDocument") or "{}"
    policy = json.loads(document) if isinstance(document, str) else document
    for statement in _list(policy.get("Statement")):
        principal = statement.get("Principal")
        services = _list(principal.get("Service")) if isinstance(principal, dict) else []
        if (
            statement.get("Effect") == "Allow"
            and "ec2.amazonaws.com" in services
            and "sts:AssumeRole" in _list(statement.get("Action"))
        ):
            return True
    return False


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _instance_at(address: str) -> tuple[Scope, Record] | None:
    for place, instance in every_instance():
        if instance["PrivateIpAddress"] == address and instance["State"]["Name"] != "terminated":
            return place, instance
    return None


def _iso(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def _profile(place: Scope, instance: Record) -> str:
    profile = instance.get("IamInstanceProfile")
    if not profile:
        return ""
    found = {"Code": "Success", "LastUpdated": _iso(time.time())}
    return json.dumps({**found, "InstanceProfileArn": profile["Arn"], "InstanceProfileId": profile["Id"]}, indent=2)


def _identity(place: Scope, instance: Record) -> str:
    account, region = place
    return json.dumps(
        {
            "accountId": account,
            "architecture": instance["Architecture"],
            "availabilityZone": instance["Placement"]["AvailabilityZone"],
            "imageId": instance["ImageId"],
            "instanceId": instance["InstanceId"],
            "instanceType": instance["InstanceType"],
            "pendingTime": instance["LaunchTime"],
            "privateIp": instance["PrivateIpAddress"],
            "region": region,
            "version": "2017-09-30",
        },
        indent=2,
    )


def _user_data(place: Scope, instance: Record) -> str:
    import base64

    return base64.b64decode(instance.get("UserData") or "").decode(errors="replace")


def _public(name: str) -> Callable[[Scope, Record], str]:
    return lambda place, instance: str(instance[name]) if instance.get("Public", True) else ""


def _field(name: str) -> Callable[[Scope, Record], str]:
    return lambda place, instance: str(instance.get(name) or "")


_META = "/latest/meta-data"
_DOCUMENTS: dict[str, Callable[[Scope, Record], str]] = {
    f"{_META}/ami-id": _field("ImageId"),
    f"{_META}/hostname": _field("PrivateDnsName"),
    f"{_META}/instance-id": _field("InstanceId"),
    f"{_META}/instance-type": _field("InstanceType"),
    f"{_META}/local-hostname": _field("PrivateDnsName"),
    f"{_META}/local-ipv4": _field("PrivateIpAddress"),
    f"{_META}/public-hostname": _public("PublicDnsName"),
    f"{_META}/public-ipv4": _public("PublicIpAddress"),
    f"{_META}/placement/availability-zone": lambda place, instance: str(instance["Placement"]["AvailabilityZone"]),
    f"{_META}/placement/region": lambda place, instance: place[1],
    f"{_META}/security-groups": lambda place, instance: "\n".join(g["GroupName"] for g in instance["SecurityGroups"]),
    f"{_META}/iam/info": _profile,
    "/latest/dynamic/instance-identity/document": _identity,
    "/latest/user-data": _user_data,
}


def _listing(path: str) -> str:
    """The names directly under a directory; nothing when there is no such directory."""
    prefix = path.rstrip("/") + "/"
    tails = [known.removeprefix(prefix) for known in _DOCUMENTS if known.startswith(prefix)]
    return "\n".join(sorted({tail.partition("/")[0] + "/" * ("/" in tail) for tail in tails}))


class MachinesApplication:
    """What machines reach at the network's gateway: the metadata service by its Host, else the cloud itself."""

    def __init__(self, cloud: Callable[[Any, Any, Any], Any]) -> None:
        self._cloud = cloud
        self._metadata = Metadata()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        from localcloud.aws.listener import lifespan

        if scope["type"] == "lifespan":
            return await lifespan(receive, send)
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope.get("headers", [])}
        if scope["type"] != "http" or headers.get("host") != ADDRESS:
            await self._cloud(scope, receive, send)
            return None
        status, text = self._metadata.answer(scope["method"], scope["path"], headers, scope["client"][0])
        body = text.encode()
        shown = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
        if scope["method"] == "PUT" and status == 200:
            shown.append((f"{_TOKEN}-ttl-seconds".encode(), headers[f"{_TOKEN}-ttl-seconds"].encode()))
        await send({"type": "http.response.start", "status": status, "headers": shown})
        await send({"type": "http.response.body", "body": body})
        return None
