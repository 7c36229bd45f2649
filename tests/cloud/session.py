"""Clients of one local cloud, whatever the environment of the tests says."""

from collections.abc import Mapping
from typing import Any

import boto3


class LocalSession:
    """Makes clients that speak to one local cloud, whatever the environment says."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._session = boto3.session.Session(
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=environment.get("AWS_SESSION_TOKEN"),
            region_name=environment["AWS_REGION"],
        )
        self._endpoint = environment["AWS_ENDPOINT_URL"]

    def client(self, service_name: str, **options: Any) -> Any:
        return self._session.client(service_name, endpoint_url=self._endpoint, **options)
