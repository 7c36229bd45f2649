"""ECR: repositories at localhost:<port>, a registry that asks who is pushing, tags that stay.

Rule of access: every registry request carries a token of GetAuthorizationToken and is checked against the policies of
the principal who fetched it, action by action, as ECR does. The cloud's own engine, which fetches its token inside this
process and without a request, may pull everything and push nothing. Nobody is anonymous.
"""

import base64
import fnmatch
import json
import secrets
import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response, request_scope
from ministack.core.router import extract_access_key_id
from ministack.services import ecr

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
        ecr._repo_uri = lambda name: f"{self.host}/{name}"
        ecr._get_authorization_token = self._authorization_token
        ecr._create_repository = _create_repository(ecr._create_repository)
        ecr._put_image_tag_mutability = _put_image_tag_mutability
        ecr._repo_shape = _repo_shape(ecr._repo_shape)
        ecr._describe_images = _describe_images(ecr._describe_images)
        ecr._put_image = _put_image(ecr._put_image)
        ecr._v2_put_manifest = _put_manifest(ecr._v2_put_manifest)
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


# -- tags that stay ---


def keeps_tag(repository: dict[str, Any], tag: str) -> bool:
    """True when a tag of this repository, once given, cannot move: its mutability and the exclusion filters decide."""
    mutability = str(repository.get("imageTagMutability", "MUTABLE"))
    excluded = any(
        fnmatch.fnmatchcase(tag, rule.get("filter", ""))
        for rule in repository.get("imageTagMutabilityExclusionFilters") or []
    )
    if mutability.endswith("_WITH_EXCLUSION"):
        return mutability.startswith("IMMUTABLE") != excluded
    return mutability == "IMMUTABLE"


def _taken(name: str, tag: str, digest: str) -> str | None:
    """Why `tag` cannot name `digest` in this repository; None when it can."""
    repository = ecr._repositories.get(name) or {}
    if not keeps_tag(repository, tag):
        return None
    if any(
        tag in image.get("imageTags", []) and image["imageDigest"] != digest for image in ecr._images.get(name) or []
    ):
        return (
            f"The image tag '{tag}' already exists in the '{name}' repository "
            "and cannot be overwritten because the tag is immutable."
        )
    return None


def _put_manifest(original: Any) -> Any:
    def put(name: str, reference: str, headers: Any, body: bytes) -> Any:
        if name in ecr._repositories and not reference.startswith("sha256:"):
            taken = _taken(name, reference, ecr._content_digest(body))
            if taken:
                return ecr._registry_error(400, "TAG_INVALID", taken, {"tag": reference})
        return original(name, reference, headers, body)

    return put


def _put_image(original: Any) -> Any:
    def put(data: Any) -> Any:
        name, tag = data.get("repositoryName", ""), data.get("imageTag")
        digest = data.get("imageDigest") or ecr._image_digest(data.get("imageManifest", ""))
        held = any(
            image["imageDigest"] == digest and (not tag or tag in image.get("imageTags", []))
            for image in ecr._images.get(name) or []
        )
        if held:
            message = (
                f"Image with digest '{digest}' and tag '{tag}' already exists in the repository with name '{name}'"
            )
            return error_response_json("ImageAlreadyExistsException", message, 400)
        taken = _taken(name, tag, digest) if tag else None
        if taken:
            return error_response_json("ImageTagAlreadyExistsException", taken, 400)
        ecr._manifest_blobs.setdefault(name, {})[digest] = str(data.get("imageManifest", "")).encode()
        return original(data)

    return put


def _create_repository(original: Any) -> Any:
    def create(data: Any) -> Any:
        response = original(data)
        repository = ecr._repositories.get(data.get("repositoryName", ""))
        if response[0] == 200 and repository is not None:
            _set_filters(repository, data)
            return json_response({"repository": ecr._repo_shape(repository)})
        return response

    return create


def _put_image_tag_mutability(data: Any) -> Any:
    name = data.get("repositoryName", "")
    repository = ecr._repositories.get(name)
    if repository is None:
        message = f"The repository with name '{name}' does not exist"
        return error_response_json("RepositoryNotFoundException", message, 400)
    repository["imageTagMutability"] = data.get("imageTagMutability", "MUTABLE")
    _set_filters(repository, data)
    shape = ecr._repo_shape(repository)
    kept = ("registryId", "repositoryName", "imageTagMutability", "imageTagMutabilityExclusionFilters")
    return json_response({key: shape[key] for key in kept if key in shape})


def _set_filters(repository: dict[str, Any], data: Any) -> None:
    repository["imageTagMutabilityExclusionFilters"] = list(data.get("imageTagMutabilityExclusionFilters") or [])


def _repo_shape(original: Any) -> Any:
    def shape(repository: dict[str, Any]) -> dict[str, Any]:
        shown: dict[str, Any] = original(repository)
        filters = repository.get("imageTagMutabilityExclusionFilters")
        return {**shown, "imageTagMutabilityExclusionFilters": filters} if filters else shown

    return shape


# -- DescribeImages ---


def _describe_images(original: Any) -> Any:
    def describe(data: Any) -> Any:
        name = data.get("repositoryName", "")
        for wanted in data.get("imageIds") or [] if name in ecr._repositories else []:
            if ecr._find_image(name, wanted) is None:
                shown = ", ".join(f"{key}:'{value}'" for key, value in _image_id(wanted).items())
                message = (
                    f"The image with imageId {{{shown}}} does not exist within the repository with name '{name}' "
                    f"in the registry with id '{get_account_id()}'"
                )
                return error_response_json("ImageNotFoundException", message, 400)
        response = original(data)
        if response[0] != 200:
            return response
        shown_images = json.loads(response[2])
        for detail in shown_images["imageDetails"]:
            image = ecr._find_image(name, {"imageDigest": detail["imageDigest"]})
            detail["imageSizeInBytes"] = _size(image["imageManifest"])
            if not detail["imageTags"]:
                del detail["imageTags"]  # ECR leaves it out
        return json_response(shown_images)

    return describe


def _image_id(wanted: dict[str, str]) -> dict[str, str]:
    return {key: wanted.get(key, "null") for key in ("imageDigest", "imageTag")}


def _size(manifest: str) -> int:
    """The compressed size ECR reports: configuration and layers."""
    try:
        content = json.loads(manifest)
    except ValueError:
        return len(manifest)
    parts = [content.get("config") or {}, *(content.get("layers") or [])]
    return sum(int(part.get("size", 0)) for part in parts) or len(manifest)
