"""Who the credentials belong to, asked without botocore: a preview of an unchanged stack asks nothing else of AWS."""

import datetime
import hashlib
import hmac
import http.client
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from .session import ApiError

_BODY = "Action=GetCallerIdentity&Version=2011-06-15"
_TYPE = "application/x-www-form-urlencoded; charset=utf-8"
_FIELDS = ("Account", "Arn", "UserId")
_SECONDS = 30


def caller_identity(endpoint: str, region: str, credentials: Mapping[str, str | None]) -> dict[str, str]:
    """Account, Arn and UserId of these credentials; ApiError when the cloud refuses or does not answer."""
    address = urlsplit(endpoint)
    headers = _signed(address.netloc, region, credentials)
    connection = http.client.HTTPConnection(address.hostname or "", address.port or 80, timeout=_SECONDS)
    try:
        connection.request("POST", "/", _BODY, headers)
        response = connection.getresponse()
        text = response.read().decode()
    except OSError as error:
        reason = f"the local cloud at {endpoint} does not answer: {error}"
        raise ApiError("sts:GetCallerIdentity", type(error).__name__, reason) from error
    finally:
        connection.close()
    if response.status != http.HTTPStatus.OK:
        raise ApiError("sts:GetCallerIdentity", _field(text, "Code") or str(response.status), _field(text, "Message"))
    return {name: _field(text, name) for name in _FIELDS}


def _field(text: str, name: str) -> str:
    found = re.search(f"<{name}>([^<]*)</{name}>", text)
    return found.group(1) if found else ""


def _signed(host: str, region: str, credentials: Mapping[str, str | None]) -> dict[str, str]:
    """Headers with an AWS signature, version 4."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {"content-type": _TYPE, "host": host, "x-amz-date": now}
    if token := credentials.get("aws_session_token"):
        headers["x-amz-security-token"] = token
    names = ";".join(headers)
    canonical = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = f"POST\n/\n\n{canonical}\n{names}\n{_digest(_BODY)}"
    scope = f"{now[:8]}/{region}/sts/aws4_request"
    key = f"AWS4{credentials.get('aws_secret_access_key') or ''}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    to_sign = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{_digest(request)}"
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    identity = f"{credentials.get('aws_access_key_id')}/{scope}"
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={identity}, SignedHeaders={names}, Signature={signature}"
    return headers


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
