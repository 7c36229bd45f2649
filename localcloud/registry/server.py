"""The registry: manifests and blobs in memory, uploads in parts, a token server that knows users and passwords."""

import base64
import hashlib
import json
import re
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from localcloud.web import Call, LoopbackServer, Reply

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@dataclass(kw_only=True)
class Images:
    """What is stored, and who may push and pull."""

    users: dict[str, str]
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)  # image, tag → digest, media type
    uploads: dict[str, bytes] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    down: bool = False

    def add(self, image: str, tag: str) -> str:
        """An image that is only a manifest, for those who ask whether it is there."""
        content = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "annotations": {"tag": tag}}).encode()
        return self.put_manifest(image, tag, content, MANIFEST)

    def put_manifest(self, image: str, reference: str, content: bytes, kind: str) -> str:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.blobs[digest] = content
        self.manifests[image, reference] = self.manifests[image, digest] = (digest, kind)
        return digest

    def has(self, tag: str) -> bool:
        return any(name == tag for _, name in self.manifests)


class RegistryServer(LoopbackServer):
    """The double on a port of the loopback address, for the length of a `with`."""

    def __init__(self, images: Images, port: int = 0) -> None:
        self.images = images
        self._lock = threading.Lock()
        super().__init__(self._handle, port)

    def _handle(self, call: Call) -> Reply | None:
        with self._lock:
            if self.images.down:
                return None
            if call.path.startswith("/token"):
                return self._token(call)
            if call.headers.get("Authorization", "").removeprefix("Bearer ") not in self.images.tokens:
                challenge = f'Bearer realm="{self.url}/token",service="registry",scope="repository:any:pull"'
                return _error(401, "UNAUTHORIZED", {"WWW-Authenticate": challenge})
            path = urlsplit(call.path).path
            for method, pattern, route in ROUTES:
                found = re.fullmatch(pattern, path)
                if found and call.method in method.split():
                    return route(self.images, call, *found.groups())
            return _error(404, "UNSUPPORTED")

    def _token(self, call: Call) -> Reply:
        kind, _, value = call.headers.get("Authorization", "").partition(" ")
        user, _, password = base64.b64decode(value).decode().partition(":") if kind == "Basic" else ("", "", "")
        if not password or self.images.users.get(user) != password:
            return _error(401, "UNAUTHORIZED")
        token = secrets.token_urlsafe(24)
        self.images.tokens.add(token)
        return Reply(status=200, body=json.dumps({"token": token}).encode())


def _ping(_images: Images, _call: Call) -> Reply:
    return Reply(status=200, body=b"{}")


def _get_manifest(images: Images, call: Call, image: str, reference: str) -> Reply:
    found = images.manifests.get((image, reference))
    if found is None:
        return _error(404, "MANIFEST_UNKNOWN")
    digest, kind = found
    return Reply(status=200, body=images.blobs[digest], headers={"Docker-Content-Digest": digest, "Content-Type": kind})


def _put_manifest(images: Images, call: Call, image: str, reference: str) -> Reply:
    digest = images.put_manifest(image, reference, call.body, call.headers.get("Content-Type", MANIFEST))
    return Reply(status=201, headers={"Docker-Content-Digest": digest})


def _get_blob(images: Images, call: Call, _image: str, digest: str) -> Reply:
    content = images.blobs.get(digest)
    if content is None:
        return _error(404, "BLOB_UNKNOWN")
    return Reply(status=200, body=content, headers={"Docker-Content-Digest": digest})


def _begin_upload(images: Images, call: Call, image: str) -> Reply:
    upload = secrets.token_hex(8)
    images.uploads[upload] = b""
    return _upload(202, image, upload, 0)


def _more_upload(images: Images, call: Call, image: str, upload: str) -> Reply:
    images.uploads[upload] += call.body
    return _upload(202, image, upload, len(images.uploads[upload]))


def _end_upload(images: Images, call: Call, image: str, upload: str) -> Reply:
    content = images.uploads.pop(upload) + call.body
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if parse_qs(urlsplit(call.path).query).get("digest") != [digest]:
        return _error(400, "DIGEST_INVALID")
    images.blobs[digest] = content
    headers = {"Location": f"/v2/{image}/blobs/{digest}", "Docker-Content-Digest": digest}
    return Reply(status=201, headers=headers)


def _upload(status: int, image: str, upload: str, size: int) -> Reply:
    headers = {"Location": f"/v2/{image}/blobs/uploads/{upload}", "Range": f"0-{max(0, size - 1)}"}
    return Reply(status=status, headers={**headers, "Docker-Upload-UUID": upload})


def _error(status: int, code: str, headers: dict[str, str] | None = None) -> Reply:
    return Reply(status=status, body=json.dumps({"errors": [{"code": code}]}).encode(), headers=headers or {})


ROUTES: tuple[tuple[str, str, Callable[..., Reply]], ...] = (
    ("GET HEAD", r"/v2/", _ping),
    ("GET HEAD", r"/v2/(.+)/manifests/([\w.:-]+)", _get_manifest),
    ("PUT", r"/v2/(.+)/manifests/([\w.:-]+)", _put_manifest),
    ("POST", r"/v2/(.+)/blobs/uploads/", _begin_upload),
    ("PATCH", r"/v2/(.+)/blobs/uploads/(\w+)", _more_upload),
    ("PUT", r"/v2/(.+)/blobs/uploads/(\w+)", _end_upload),
    ("GET HEAD", r"/v2/(.+)/blobs/(sha256:\w+)", _get_blob),
)
