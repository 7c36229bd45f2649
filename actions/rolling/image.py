"""The image of a release as its registry has it: digest, architectures, size."""

import json
from dataclasses import dataclass
from typing import Any

import requests

from actions.checklist import NotReady
from actions.clients import Clients

INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
TIMEOUT_SECONDS = 20.0
UNPACKED = 3  # how much larger an image lies on a disk than in a registry; measured on Python images: 2.6


@dataclass(frozen=True, kw_only=True)
class Image:
    """One image; `architectures` as manifests name them: amd64, arm64."""

    digest: str
    architectures: frozenset[str]
    size_mb: int  # on a host's disk, of the largest architecture, estimated

    def require(self, architectures: set[str]) -> None:
        """Raises `NotReady` when the image cannot run on one of these."""
        if lacking := sorted(architectures - self.architectures):
            has = ", ".join(sorted(self.architectures))
            raise NotReady(f"expected an image for {', '.join(lacking)}, found only {has}; build it for every host")


def look_up(aws: Clients, repository: str, digest: str) -> Image:
    """The image with this digest."""
    manifest = _manifest(aws, repository, digest)
    if manifest.get("mediaType") in INDEXES or "manifests" in manifest:
        entries = [entry for entry in manifest["manifests"] if _runs_on_linux(entry)]
        architectures = frozenset(entry["platform"]["architecture"] for entry in entries)
        manifests = [_manifest(aws, repository, entry["digest"]) for entry in entries]
    else:
        architectures = frozenset([str(_blob(aws, repository, manifest["config"]["digest"])["architecture"])])
        manifests = [manifest]
    size = max((sum(layer["size"] for layer in entry["layers"]) for entry in manifests), default=0)
    return Image(digest=digest, architectures=architectures, size_mb=size * UNPACKED // 1_000_000)


def _runs_on_linux(entry: dict[str, Any]) -> bool:
    """An index also lists attestations, for a platform called unknown."""
    return bool(entry.get("platform", {}).get("os") == "linux")


def _manifest(aws: Clients, repository: str, digest: str) -> dict[str, Any]:
    answer = aws("ecr").batch_get_image(
        repositoryName=repository,
        imageIds=[{"imageDigest": digest}],
        acceptedMediaTypes=[*INDEXES, *MANIFESTS],
    )
    if not answer["images"]:
        raise NotReady(f"the registry has no manifest {digest[:19]} of {repository}; push the image again")
    manifest: dict[str, Any] = json.loads(answer["images"][0]["imageManifest"])
    return manifest


def _blob(aws: Clients, repository: str, digest: str) -> dict[str, Any]:
    """A small blob; asked of the registry itself, as Docker asks."""
    login = aws("ecr").get_authorization_token()["authorizationData"][0]
    url = f"{login['proxyEndpoint']}/v2/{repository}/blobs/{digest}"
    header = {"Authorization": f"Basic {login['authorizationToken']}"}
    answer = requests.get(url, headers=header, timeout=TIMEOUT_SECONDS)
    if answer.status_code != 200:
        raise NotReady(f"the registry does not give {digest[:19]} of {repository}: HTTP {answer.status_code}")
    blob: dict[str, Any] = answer.json()
    return blob
