"""The registry: who may push and pull, and which tags stay."""

import base64
import hashlib
import json
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from tests.cloud.local_aws.conftest import Cloud
from tests.cloud.local_aws.principals import role_keys


class Registry:
    """Docker's registry protocol, as far as a push and a pull need it."""

    def __init__(self, cloud: Cloud, name: str, token: str | None) -> None:
        self._base = f"{cloud.endpoint}/v2/{name}"
        self._auth = ("AWS", token) if token else None

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        return requests.request(method, self._base + path, auth=self._auth, timeout=10, **options)

    def push(self, tag: str, content: bytes) -> requests.Response:
        """An image of one layer; the answer to the first call that fails, or to the last."""
        layer = {"digest": "sha256:" + hashlib.sha256(content).hexdigest(), "size": len(content)}
        started = self.call("POST", "/blobs/uploads/")
        if started.status_code != 202:
            return started
        place = started.headers["Location"].rpartition("/blobs")[2].partition("?")[0]
        self.call("PATCH", "/blobs" + place, data=content)
        self.call("PUT", f"/blobs{place}?digest={layer['digest']}")
        kind = "application/vnd.docker.distribution.manifest.v2+json"
        manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": layer, "layers": [layer]})
        return self.call("PUT", f"/manifests/{tag}", data=manifest, headers={"Content-Type": kind})


def token(ecr: Any) -> str:
    data = ecr.get_authorization_token()["authorizationData"][0]
    assert data["proxyEndpoint"] == ecr.meta.endpoint_url
    user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
    assert user == "AWS"
    return password


def repository(cloud: Cloud, name: str, **settings: Any) -> Registry:
    ecr = cloud.client("ecr")
    created = ecr.create_repository(repositoryName=name, **settings)["repository"]
    assert created["repositoryUri"] == f"{cloud.endpoint.removeprefix('http://')}/{name}"
    assert ecr.describe_repositories(repositoryNames=[name])["repositories"][0] == created
    return Registry(cloud, name, token(ecr))


def test_nobody_is_anonymous(local_cloud: Cloud) -> None:
    repository(local_cloud, "closed").push("v1", b"x")
    stranger = Registry(local_cloud, "closed", None)
    answer = stranger.call("GET", "/manifests/v1")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="ecr",service="ecr"')
    assert stranger.push("v2", b"y").status_code == 401
    assert Registry(local_cloud, "closed", "made-up").call("GET", "/manifests/v1").status_code == 401


def test_a_push_and_a_pull_need_the_actions_of_iam(local_cloud: Cloud) -> None:
    repository(local_cloud, "guarded").push("v1", b"x")
    arn = "arn:aws:ecr:us-east-1:000000000000:repository/guarded"
    pull = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
    keys = role_keys(local_cloud, "puller", (pull, arn), (["ecr:GetAuthorizationToken"], "*"))
    puller = Registry(local_cloud, "guarded", token(local_cloud.client("ecr", *keys)))
    digest = puller.call("GET", "/manifests/v1").json()["layers"][0]["digest"]
    assert puller.call("GET", f"/blobs/{digest}").content == b"x"
    refused = puller.push("v2", b"y")
    assert refused.status_code == 403
    assert "assumed-role/puller/test is not authorized to perform: ecr:InitiateLayerUpload" in refused.text
    assert arn in refused.text


def test_immutable_tags_stay(local_cloud: Cloud) -> None:
    registry = repository(local_cloud, "immutable", imageTagMutability="IMMUTABLE")
    assert registry.push("v1", b"one").status_code == 201
    assert registry.push("v1", b"one").status_code == 201, "the same image again changes nothing"
    refused = registry.push("v1", b"two")
    assert refused.status_code == 400
    assert "The image tag 'v1' already exists in the 'immutable' repository" in refused.text
    with pytest.raises(ClientError, match="ImageTagAlreadyExistsException"):
        local_cloud.client("ecr").put_image(repositoryName="immutable", imageTag="v1", imageManifest="{}")


@pytest.mark.parametrize(
    ("mutability", "moves", "stays"),
    [("IMMUTABLE_WITH_EXCLUSION", "cache-1", "v1"), ("MUTABLE_WITH_EXCLUSION", "v1", "cache-1")],
)
def test_exclusion_filters(local_cloud: Cloud, mutability: str, moves: str, stays: str) -> None:
    filters = [{"filterType": "WILDCARD", "filter": "cache-*"}]
    name = mutability.lower()
    registry = repository(local_cloud, name, imageTagMutability=mutability, imageTagMutabilityExclusionFilters=filters)
    for content in (b"one", b"two"):
        assert registry.push(moves, content).status_code == 201
    assert [registry.push(stays, content).status_code for content in (b"one", b"two")] == [201, 400]
    local_cloud.client("ecr").put_image_tag_mutability(repositoryName=name, imageTagMutability="MUTABLE")
    assert registry.push(stays, b"three").status_code == 201


def test_images_are_described_by_digest_and_size(local_cloud: Cloud) -> None:
    registry = repository(local_cloud, "described")
    pushed = registry.push("v1", b"12345").headers["Docker-Content-Digest"]
    ecr = local_cloud.client("ecr")
    found = ecr.describe_images(repositoryName="described", imageIds=[{"imageTag": "v1"}])["imageDetails"][0]
    assert (found["imageDigest"], found["imageTags"], found["imageSizeInBytes"]) == (pushed, ["v1"], 10)
    layer = "sha256:" + hashlib.sha256(b"12345").hexdigest()
    url = ecr.get_download_url_for_layer(repositoryName="described", layerDigest=layer)["downloadUrl"]
    assert url == f"{local_cloud.endpoint}/v2/described/blobs/{layer}"
    known = ecr.batch_check_layer_availability(repositoryName="described", layerDigests=[layer, "sha256:0"])["layers"]
    assert [one["layerAvailability"] for one in known] == ["AVAILABLE", "UNAVAILABLE"]
    with pytest.raises(ecr.exceptions.ImageNotFoundException, match="imageTag:'v9'"):
        ecr.describe_images(repositoryName="described", imageIds=[{"imageTag": "v9"}])
