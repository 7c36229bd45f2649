"""ECR: repositories at localhost:<port>, a registry that asks who is pushing, tags that stay.

Rule of access: every registry request carries a token of GetAuthorizationToken and is checked against the policies of
the principal who fetched it, action by action, as ECR does. The cloud's own engine, which fetches its token inside this
process and without a request, may pull everything and push nothing. Nobody is anonymous.
"""

import base64
import secrets
import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response, request_scope
from ministack.core.router import extract_access_key_id
from ministack.services import ecr

from localcloud.aws import repositories
from localcloud.aws.identity import Principal

TOKEN_SECONDS = 12 * 3600  # ECR's own
Response = tuple[int, dict[str, str], bytes]

# The IAM actions behind a registry request; the first refusal is answered.
_PULL = ("ecr:BatchGetImage",)
_LAYER = ("ecr:GetDownloadUrlForLayer",)
_ACTIONS: dict[tuple[str, str], tuple[str, ...]] = {
    ("manifest", "GET"): _PULL,
    ("manifest", "HEAD"): _PULL,
    ("manifest", "PUT"): ("ecr:PutImage",),
    ("manifest", "DELETE"): ("ecr:BatchDeleteImage",),
    ("blob", "GET"): _LAYER,
    ("blob", "HEAD"): ("ecr:BatchCheckLayerAvailability",),
    ("blob", "DELETE"): ("ecr:BatchDeleteImage",),
    ("blob_uploads", "POST"): ("ecr:InitiateLayerUpload",),
    ("blob_upload_session", "PATCH"): ("ecr:UploadLayerPart",),
    ("blob_upload_session", "PUT"): ("ecr:UploadLayerPart", "ecr:CompleteLayerUpload"),
    ("blob_upload_session", "GET"): ("ecr:UploadLayerPart",),
    ("blob_upload_session", "DELETE"): ("ecr:UploadLayerPart",),
    ("tags_list", "GET"): ("ecr:ListImages",),
}
_ENGINE_VERBS = {("manifest", "GET"), ("manifest", "HEAD"), ("blob", "GET"), ("blob", "HEAD")}


@dataclass(frozen=True)
class Grant:
    """What a token stands for; the engine's has no principal."""

    principal: Principal | None
    expires: float


_caller: ContextVar[Principal | None] = ContextVar("registry_caller", default=None)


class Registry:
    """MiniStack's ECR behind tokens, with the port that clients see in its names."""

    def __init__(self, port: int) -> None:
        self.host = f"localhost:{port}"
        self._grants: dict[str, Grant] = {}
        self._api = ecr.handle_request
        self._data = ecr.handle_registry_request

    def install(self) -> None:
        """Put everything in place of MiniStack's functions."""
        repositories.install()
        ecr._repo_uri = lambda name: f"{self.host}/{name}"
        ecr._get_authorization_token = self._authorization_token
        ecr._get_download_url_for_layer = self._download_url
        ecr.handle_request = self._handle_request
        ecr.handle_registry_request = self._handle_registry_request

    async def _handle_request(self, method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        key = extract_access_key_id(headers, query)
        token = _caller.set(Principal(key, get_account_id(), get_region()))
        try:
            return await self._api(method, path, headers, body, query)
        finally:
            _caller.reset(token)

    def _authorization_token(self, data: Any) -> Any:
        now = time.time()
        self._grants = {token: grant for token, grant in self._grants.items() if grant.expires > now}
        password = secrets.token_urlsafe(48)
        self._grants[password] = Grant(_caller.get(), now + TOKEN_SECONDS)
        return json_response(
            {
                "authorizationData": [
                    {
                        "authorizationToken": base64.b64encode(f"AWS:{password}".encode()).decode(),
                        "expiresAt": int(now + TOKEN_SECONDS),
                        "proxyEndpoint": f"http://{self.host}",
                    }
                ]
            }
        )

    def _download_url(self, data: Any) -> Any:
        name, digest = data.get("repositoryName", ""), data.get("layerDigest", "")
        if digest not in ecr._layer_blobs.get(name, {}):
            message = f"The layer with digest '{digest}' is not in the repository '{name}'"
            return error_response_json("LayersNotFoundException", message, 400)
        return json_response({"downloadUrl": f"http://{self.host}/v2/{name}/blobs/{digest}", "layerDigest": digest})

    async def _handle_registry_request(self, method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        grant = self._grants.get(_password(headers))
        if grant is None or grant.expires < time.time():
            return _unauthorized()
        parsed = ecr._parse_v2_path(path)
        refusal = _refusal(grant, parsed, method.upper())
        if refusal:
            return ecr._registry_error(403, "DENIED", refusal)
        place = grant.principal
        account, region = (place.account, place.region) if place else (get_account_id(), get_region())
        with request_scope(account, region):
            return await self._data(method, path, headers, body, query)


def _password(headers: Any) -> str:
    kind, _, value = str(headers.get("authorization", "")).partition(" ")
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value).decode().partition(":")[2]
    except ValueError:
        return ""


def _unauthorized() -> Response:
    status, headers, body = ecr._registry_error(401, "UNAUTHORIZED", "no basic auth credentials")
    return status, {**headers, "WWW-Authenticate": 'Basic realm="ecr",service="ecr"'}, body


def _refusal(grant: Grant, parsed: Any, method: str) -> str | None:
    verb, name, _ = parsed or ("", "", "")
    if verb in ("", "ping"):
        return None
    if grant.principal is None:
        return None if (verb, method) in _ENGINE_VERBS else "the engine of the local cloud only pulls"
    resource = f"arn:aws:ecr:{grant.principal.region}:{grant.principal.account}:repository/{name}"
    for action in _ACTIONS.get((verb, method), ("ecr:DescribeRepositories",)):
        if refusal := grant.principal.refusal(action, resource if name else "*"):
            return refusal
    return None
