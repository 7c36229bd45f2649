"""Files from a mirror, checked before anybody uses them."""

import hashlib
import re
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from actions.errors import ReleaseError
from actions.lifeline import Cancellation

PUBLISHED = "published"  # in place of a checksum: the one that the mirror's own list names
SHA256 = re.compile(r"[0-9a-f]{64}")
CONNECT_SECONDS, READ_SECONDS = 5.0, 30.0
CHUNK = 1 << 18
TRIES = 5


class Mirror:
    """One session to one address; what fails for a moment is asked for again."""

    def __init__(self, address: str, cancellation: Cancellation) -> None:
        self._address, self._cancellation = address.rstrip("/"), cancellation
        self._session = requests.Session()
        again = Retry(
            total=TRIES, backoff_factor=0.5, status_forcelist=(429, 500, 502, 503, 504), raise_on_status=False
        )
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=again))

    def __enter__(self) -> "Mirror":
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def fetch(self, path: str, sha256: str, sums: str, target: Path) -> str:
        """The checksum of what now lies in `target`; `ReleaseError` says what was expected and what was found.

        `sums` is the path of the mirror's own list, asked only where `sha256` is `published`.
        """
        wanted = self._published(sums, path.rpartition("/")[2]) if sha256 == PUBLISHED else sha256
        if not SHA256.fullmatch(wanted):
            raise ReleaseError(f"{wanted!r} is no SHA-256: 64 hexadecimal digits are wanted, or `{PUBLISHED}`")
        found = self._download(path, target)
        if found != wanted:
            target.unlink()
            raise ReleaseError(f"{self._address}{path} has the SHA-256 {found}, and {wanted} is wanted: not used")
        return found

    def _published(self, sums: str, name: str) -> str:
        for line in self._get(sums).text.splitlines():
            digest, _, file = line.partition(" ")
            if file.strip().lstrip("*") == name:
                return digest
        raise ReleaseError(f"{self._address}{sums} does not name {name}")

    def _download(self, path: str, target: Path) -> str:
        """Begun again where it was cut: a mirror may be far away."""
        for attempt in range(1, TRIES + 1):
            digest = hashlib.sha256()
            try:
                with self._get(path, stream=True) as answer, target.open("wb") as file:
                    for chunk in answer.iter_content(CHUNK):
                        self._cancellation.check()
                        digest.update(chunk)
                        file.write(chunk)
                return digest.hexdigest()
            except requests.RequestException as error:
                if attempt == TRIES:
                    raise ReleaseError(f"{self._address}{path} was cut off {TRIES} times: {error}") from error
                self._cancellation.wait(0.5 * attempt)
        raise AssertionError

    def _get(self, path: str, *, stream: bool = False) -> requests.Response:
        url = f"{self._address}{path}"
        try:
            answer = self._session.get(url, timeout=(CONNECT_SECONDS, READ_SECONDS), stream=stream)
        except requests.RequestException as error:
            raise ReleaseError(f"{url} cannot be had: {error}") from error
        if answer.status_code != requests.codes.ok:
            raise ReleaseError(f"{url} cannot be had: HTTP {answer.status_code}")
        return answer
