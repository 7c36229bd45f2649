"""AWS clients for actions: standard retries, bounded timeouts, each made once and shared by threads."""

import threading
from typing import Any

import boto3
from botocore.config import Config

CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 5}, connect_timeout=5, read_timeout=20, max_pool_connections=20
)


class Clients:
    """`aws("ecs")` is the ECS client of one region. Using a client is thread-safe, making one is not."""

    def __init__(self, region: str) -> None:
        self._session = boto3.session.Session(region_name=region)
        self._made: dict[str, Any] = {}
        self._making = threading.Lock()

    def __call__(self, service: str) -> Any:
        with self._making:
            if service not in self._made:
                self._made[service] = self._session.client(service, config=CONFIG)
            return self._made[service]
