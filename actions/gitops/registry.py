"""Ask a registry which digest a tag has, through its v2 API: with a password, with a bearer token, or as nobody."""

import re

import requests

from actions.errors import ReleaseError

TIMEOUT = (5, 20)
ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
LOOPBACK = re.compile(r"(localhost|127\.[\d.]+)(:\d+)?")  # Docker's own rule for registries without TLS


class Registry:
    """One registry's answers for one user."""

    def __init__(self, user: str, password: str) -> None:
        self._auth = (user, password) if password else None
        self._session = requests.Session()

    def digest(self, image: str, tag: str) -> str:
        """`ReleaseError` when the tag is not there, or nobody says whether it is."""
        host, _, name = image.partition("/")
        scheme = "http" if LOOPBACK.fullmatch(host) else "https"
        url = f"{scheme}://{host}/v2/{name}/manifests/{tag}"
        try:
            response = self._ask(url)
        except requests.RequestException as error:
            raise ReleaseError(
                f"the registry {host} cannot be asked for {image}:{tag}, so nothing was changed: {error}"
            ) from error
        if response.status_code == 404:
            raise ReleaseError(f"the registry has no {image}:{tag}; push it, or name a tag that was built")
        if response.status_code in (401, 403):
            raise ReleaseError(
                f"the registry {host} refuses to tell about {image}:{tag} ({response.status_code}): "
                "set REGISTRY_USERNAME and REGISTRY_PASSWORD to a user that may pull it"
            )
        if not response.ok:
            raise ReleaseError(f"the registry {host} answers {response.status_code} for {image}:{tag}")
        return response.headers["Docker-Content-Digest"]

    def _ask(self, url: str) -> requests.Response:
        headers = {"Accept": ACCEPT}
        response = self._session.head(url, headers=headers, timeout=TIMEOUT)
        if response.status_code != 401:
            return response
        challenge = response.headers.get("WWW-Authenticate", "")
        if challenge.lower().startswith("bearer"):
            headers["Authorization"] = f"Bearer {self._token(challenge)}"
            return self._session.head(url, headers=headers, timeout=TIMEOUT)
        return self._session.head(url, headers=headers, timeout=TIMEOUT, auth=self._auth) if self._auth else response

    def _token(self, challenge: str) -> str:
        said = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        query = {name: said[name] for name in ("service", "scope") if name in said}
        answer = self._session.get(said["realm"], params=query, timeout=TIMEOUT, auth=self._auth)
        content = answer.json() if answer.ok else {}
        return str(content.get("token") or content.get("access_token") or "")
