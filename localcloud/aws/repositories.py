"""ECR's repositories and images: tags that stay, images described as ECR does, layers that are really there."""

import fnmatch
import json
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, json_response
from ministack.services import ecr


def install() -> None:
    """Put everything in place of MiniStack's functions."""
    ecr._create_repository = _create_repository(ecr._create_repository)
    ecr._put_image_tag_mutability = _put_image_tag_mutability
    ecr._repo_shape = _repo_shape(ecr._repo_shape)
    ecr._describe_images = _describe_images(ecr._describe_images)
    ecr._put_image = _put_image(ecr._put_image)
    ecr._v2_put_manifest = _put_manifest(ecr._v2_put_manifest)
    ecr._batch_check_layer_availability = _layer_availability
    for name in ("_initiate_layer_upload", "_upload_layer_part", "_complete_layer_upload"):
        setattr(ecr, name, _push_with_docker)


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


# -- layers ---


def _layer_availability(data: Any) -> Any:
    blobs = ecr._layer_blobs.get(data.get("repositoryName", ""), {})
    layers = [
        {"layerDigest": digest, "layerAvailability": "AVAILABLE", "layerSize": len(blobs[digest])}
        if digest in blobs
        else {"layerDigest": digest, "layerAvailability": "UNAVAILABLE"}
        for digest in data.get("layerDigests") or []
    ]
    return json_response({"layers": layers, "failures": []})


def _push_with_docker(data: Any) -> Any:
    """MiniStack would say yes to uploads through this API and keep nothing."""
    message = "The local cloud takes layers by the registry protocol only: push with docker"
    return error_response_json("InvalidParameterException", message, 400)


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
