"""One HTTP session with OpenStack: a token when it is needed, another when it expired, one sentence per refusal."""

import ipaddress
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from actions.errors import ReleaseError
from actions.openstack.credentials import Credentials
from actions.openstack.tokens import Token, fetch
from actions.openstack.words import sentence

TIMEOUT = (10, 60)  # seconds to connect, and between two bytes
LONGEST_WAIT = 60  # seconds before asking again, whatever a rate limit says
OVERLOADED = frozenset({500, 502, 503, 504})
REPEATABLE = frozenset({"GET", "HEAD", "PUT", "PATCH", "DELETE"})  # ours set a value, so they may come twice
PAGE = 100  # things asked for at a time


class Refused(ReleaseError):
    """An answer other than success, with its status; 0 when there was none, so that what happened is not known."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status

    @property
    def unknown(self) -> bool:
        """Whether the request may have been carried out all the same."""
        return self.status == 0 or self.status in OVERLOADED


class PoliteRetry(Retry):
    """Repeats what may be repeated after a server error, and anything that a rate limit refused."""

    RETRY_AFTER_STATUS_CODES = frozenset({413, 429, 503})

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
        if status_code == 429:
            return bool(self.total)
        return super().is_retry(method, status_code, has_retry_after)


class OpenStack:
    """Requests as one user of one project; may be used by several threads."""

    def __init__(self, credentials: Credentials, backoff: float = 0.5) -> None:
        self.credentials = credentials
        self._session = session(credentials.auth_url, backoff)
        self._authenticating = threading.Lock()
        self._token: Token | None = None

    def token(self) -> Token:
        with self._authenticating:
            if self._token is None:
                self._token = self._authenticate()
            return self._token

    def get(self, service: str, path: str) -> Any:
        return self.call("GET", service, path).json()

    def post(self, service: str, path: str, body: Any) -> requests.Response:
        return self.call("POST", service, path, body)

    def delete(self, service: str, path: str) -> bool:
        """False when it was gone already."""
        try:
            self.call("DELETE", service, path)
        except Refused as refused:
            if refused.status == 404:
                return False
            raise
        return True

    def pages(self, service: str, path: str, key: str, marker: str = "id") -> Iterator[dict[str, Any]]:
        """Every thing of a collection, a page at a time; a service that knows no pages answers all at once."""
        seen: set[str] = set()
        query, last = "&" if "?" in path else "?", ""
        while True:
            after = f"&marker={last}" if last else ""
            found = self.get(service, f"{path}{query}limit={PAGE}{after}")[key]
            fresh = [one for one in found if one[marker] not in seen]
            yield from fresh
            if len(found) < PAGE or not fresh:
                return
            seen.update(one[marker] for one in fresh)
            last = found[-1][marker]

    def call(
        self, method: str, service: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> requests.Response:
        """The answer; a token that is no longer good is replaced once. Raises `Refused`."""
        token = self.token()
        response = self._send(token, method, service, path, body, content_type)
        if response.status_code == 401:
            with self._authenticating:
                if self._token is token:
                    self._token = None
            response = self._send(self.token(), method, service, path, body, content_type)
        if response.ok:
            return response
        raise Refused(response.status_code, f"{service} refused {method} {path}: {sentence(response)}")

    def _send(
        self, token: Token, method: str, service: str, path: str, body: Any, content_type: str
    ) -> requests.Response:
        url = f"{token.endpoint(service)}{path}"
        headers = {"X-Auth-Token": token.text, "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = content_type
        try:
            return self._session.request(method, url, json=body, headers=headers, timeout=TIMEOUT)
        except requests.exceptions.RequestException as error:
            raise Refused(0, f"{service} does not answer {method} {path}: {_reason(error)}") from error

    def _authenticate(self) -> Token:
        try:
            return fetch(self._session, self.credentials, TIMEOUT)
        except requests.exceptions.RequestException as error:
            raise Refused(0, f"{self.credentials.auth_url} gives no token: {_reason(error)}") from error


def session(auth_url: str, backoff: float) -> requests.Session:
    made = requests.Session()
    made.trust_env = not _is_loopback(auth_url)  # no proxy stands between a machine and itself
    retry = PoliteRetry(
        total=5,
        backoff_factor=backoff,
        status_forcelist=OVERLOADED,
        allowed_methods=REPEATABLE,
        raise_on_status=False,
        retry_after_max=LONGEST_WAIT,
    )
    for prefix in ("http://", "https://"):
        made.mount(prefix, HTTPAdapter(max_retries=retry, pool_maxsize=20))
    return made


def _is_loopback(url: str) -> bool:
    try:
        return ipaddress.ip_address(urlsplit(url).hostname or "").is_loopback
    except ValueError:
        return False


def _reason(error: Exception) -> str:
    """The innermost words of a chain of HTTP errors."""
    while (inner := error.__cause__ or error.__context__) is not None and isinstance(inner, Exception):
        error = inner
    return str(error) or type(error).__name__
