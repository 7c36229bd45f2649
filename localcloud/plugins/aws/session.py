"""boto3 clients of the local cloud: made when first needed, errors as one sentence with the action's name."""

import ipaddress
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from ..server import PluginError

POLL_SECONDS = 1.0
_PATHS = {"addressing_style": "path"}  # a bucket's own host name would not resolve on loopback


class ApiError(PluginError):
    """A call the cloud refused."""

    def __init__(self, action: str, code: str, message: str) -> None:
        super().__init__(f"{action} failed: {code}: {' '.join(message.split())}")
        self.action, self.code, self.message = action, code, message


class Client:
    """A boto3 client whose calls raise ApiError, which names the action."""

    def __init__(self, service: str, inner: Any) -> None:
        self._service, self._inner = service, inner

    def __getattr__(self, method: str) -> Callable[..., dict[str, Any]]:
        def call(**parameters: Any) -> dict[str, Any]:
            from botocore.exceptions import BotoCoreError, ClientError

            action = f"{self._service}:{self._inner.meta.method_to_api_mapping.get(method, method)}"
            try:
                answer: dict[str, Any] = getattr(self._inner, method)(**parameters)
                return answer
            except ClientError as error:
                details = error.response.get("Error", {})
                raise ApiError(action, details.get("Code", "Unknown"), details.get("Message", "no message")) from error
            except BotoCoreError as error:
                raise ApiError(action, type(error).__name__, str(error)) from error

        return call

    def pages(self, method: str, key: str, **parameters: Any) -> list[Any]:
        """All items of a listing, page by page."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            paginator = self._inner.get_paginator(method)
            return [item for page in paginator.paginate(**parameters) for item in page.get(key, [])]
        except ClientError as error:
            details = error.response.get("Error", {})
            action = f"{self._service}:{error.operation_name}"
            raise ApiError(action, details.get("Code", "Unknown"), details.get("Message", "no message")) from error
        except BotoCoreError as error:
            raise ApiError(f"{self._service}:{method}", type(error).__name__, str(error)) from error


class Aws:
    """The account the plugin works in: region, endpoint, default tags, clients."""

    partition = "aws"

    def __init__(self, config: Mapping[str, Any], cancelled: threading.Event) -> None:
        self.region: str = (
            config.get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION", "")
        )
        self.default_tags: dict[str, str] = (config.get("defaultTags") or {}).get("tags") or {}
        if not self.region:
            raise PluginError("no region is configured: set AWS_REGION, aws:region or the provider's region")
        self.cancelled = cancelled
        self.endpoint = endpoint()
        self._credentials = {
            "aws_access_key_id": config.get("accessKey"),
            "aws_secret_access_key": config.get("secretKey"),
            "aws_session_token": config.get("token"),
        }
        self._allowed = config.get("allowedAccountIds") or []
        self._clients: dict[str, Client] = {}
        self._lock = threading.Lock()
        self._session: Any = None
        self._identity: dict[str, str] = {}
        self._asking = threading.Lock()

    def client(self, service: str) -> Client:
        """The service's client."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = Client(service, self._connect(service))
            return self._clients[service]

    def _connect(self, service: str) -> Any:
        import boto3
        from botocore.config import Config

        if self._session is None:
            self._session = boto3.session.Session(**{key: value for key, value in self._credentials.items() if value})
        config = Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=5, read_timeout=60, s3=_PATHS)
        return self._session.client(service, region_name=self.region, endpoint_url=self.endpoint, config=config)

    def identity(self) -> dict[str, str]:
        """Who the credentials belong to: Account, Arn, UserId."""
        with self._asking:
            if not self._identity:
                self._identity = self._ask_identity()
        return self._identity

    def _ask_identity(self) -> dict[str, str]:
        known = {key: value or os.environ.get(key.upper()) for key, value in self._credentials.items()}
        if known["aws_access_key_id"] and known["aws_secret_access_key"]:
            from .caller import caller_identity

            return caller_identity(self.endpoint, self.region, known)
        answer = self.client("sts").get_caller_identity()  # boto3 knows every other place for credentials
        return {key: str(answer[key]) for key in ("Account", "Arn", "UserId")}

    @property
    def account(self) -> str:
        return self.identity()["Account"]

    def check_account(self) -> None:
        """Refuse to work in an account the program does not allow."""
        if self._allowed and self.account not in self._allowed:
            raise PluginError(
                f"AWS account ID not allowed: {self.account}; allowedAccountIds is {', '.join(self._allowed)}"
            )

    def arn(self, service: str, resource: str, *, region: bool = True) -> str:
        return f"arn:{self.partition}:{service}:{self.region if region else ''}:{self.account}:{resource}"

    def wait(self, what: str, done: Callable[[], bool], timeout: float) -> None:
        """Poll once a second until `done`; PluginError when cancelled or late."""
        deadline = time.monotonic() + timeout
        while not done():
            if time.monotonic() > deadline:
                raise PluginError(f"waited {timeout:.0f} s in vain for {what}")
            if self.cancelled.wait(POLL_SECONDS):
                raise PluginError(f"cancelled while waiting for {what}")


def endpoint() -> str:
    """The local cloud's address; PluginError when it is not on this machine."""
    url = os.environ.get("AWS_ENDPOINT_URL", "")
    host = urlsplit(url).hostname or ""
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local:
        raise PluginError(
            "this aws plugin is a stand-in that serves the local cloud only: AWS_ENDPOINT_URL must be a loopback "
            f"address, got {url!r}; source .local/env.sh, or install the real plugin to work in a real account"
        )
    return url
