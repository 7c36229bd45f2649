"""The locks of a Pulumi state backend that keeps its files itself: a directory (`file://`) or a bucket (`s3://`).

The engine writes one small JSON file for each running command and deletes it at the end; a killed engine leaves it.
"""

import json
import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from ops.errors import OpsError


@dataclass(frozen=True, kw_only=True)
class Lock:
    """One lock file, and whom the engine wrote into it."""

    key: str
    pid: int
    username: str
    hostname: str
    timestamp: datetime

    def __str__(self) -> str:
        return f"{self.username}@{self.hostname}, process {self.pid}, since {self.timestamp:%Y-%m-%d %H:%M:%S %Z}"


class Store(Protocol):
    """Where the lock files lie. A key is what `remove` takes."""

    def read_all(self, prefix: str) -> dict[str, str]: ...

    def remove(self, key: str) -> None: ...


@dataclass(frozen=True, kw_only=True)
class DirectoryStore:
    root: Path

    def read_all(self, prefix: str) -> dict[str, str]:
        """The text of every lock file below the prefix; one that vanishes meanwhile was given back by its owner."""
        found: dict[str, str] = {}
        for path in sorted((self.root / prefix).glob("*.json")):
            try:
                found[str(path)] = path.read_text()
            except FileNotFoundError:
                continue
        return found

    def remove(self, key: str) -> None:
        Path(key).unlink(missing_ok=True)
        Path(f"{key}.attrs").unlink(
            missing_ok=True
        )  # the engine's storage library keeps a file's attributes next to it


class BucketStore:
    """A bucket, addressed as the engine addresses it: `s3://bucket/prefix?region=…&endpoint=…&profile=…`."""

    def __init__(self, url: str) -> None:
        import boto3  # here, because a directory needs none of it
        from botocore.config import Config

        parts = urlsplit(url)
        query = {key.lower(): values[-1] for key, values in parse_qs(parts.query).items()}
        path_style = any(query.get(key, "").lower() == "true" for key in ("use_path_style", "s3forcepathstyle"))
        self._bucket = parts.netloc
        self._prefix = parts.path.strip("/")
        self._client: Any = boto3.Session(profile_name=query.get("profile")).client(
            "s3",
            region_name=query.get("region") or os.environ.get("AWS_REGION"),
            endpoint_url=_endpoint(query),
            config=Config(s3={"addressing_style": "path"} if path_style else {}),
        )

    def read_all(self, prefix: str) -> dict[str, str]:
        from botocore.exceptions import BotoCoreError, ClientError

        found: dict[str, str] = {}
        start = f"{self._prefix}/{prefix}/" if self._prefix else f"{prefix}/"
        try:
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=start):
                for item in page.get("Contents", []):
                    if item["Key"].endswith(".json"):
                        text = self._read(item["Key"])
                        if text is not None:
                            found[item["Key"]] = text
        except (BotoCoreError, ClientError) as error:
            raise OpsError(f"the locks in bucket {self._bucket} cannot be read: {error}") from error
        return found

    def _read(self, key: str) -> str | None:
        try:
            body: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except self._client.exceptions.NoSuchKey:
            return None  # given back by its owner meanwhile
        return body.decode()

    def remove(self, key: str) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client.delete_object(Bucket=self._bucket, Key=key)
        except (BotoCoreError, ClientError) as error:
            raise OpsError(f"the lock {key} in bucket {self._bucket} cannot be removed: {error}") from error


def _endpoint(query: dict[str, str]) -> str | None:
    """The endpoint in either of the two forms the engine takes: with its scheme, or bare with `disableSSL`."""
    endpoint = query.get("endpoint")
    if endpoint is None or "://" in endpoint:
        return endpoint
    return f"{'http' if query.get('disablessl', '').lower() == 'true' else 'https'}://{endpoint}"


def open_store(url: str) -> Store:
    """The store behind a backend URL; OpsError for a backend that keeps its locks elsewhere."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        path = unquote(parts.netloc + parts.path)
        return DirectoryStore(root=Path(path).expanduser())
    if parts.scheme == "s3":
        return BucketStore(url)
    raise OpsError(
        f"the state lies in {parts.scheme or url!r}, whose locks this command does not know: "
        "`pulumi cancel` may end a stale one"
    )


def lock_prefix(project: str, stack: str) -> str:
    return f".pulumi/locks/organization/{project}/{stack}"


def locks_of(store: Store, prefix: str) -> list[Lock]:
    """Every lock of a stack; OpsError for a file that is not a lock."""
    return [parse_lock(key, text) for key, text in store.read_all(prefix).items()]


def parse_lock(key: str, text: str) -> Lock:
    try:
        content = json.loads(text)
        # The engine writes nanoseconds, one digit group more than Python 3.11 reads.
        stamp = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", content["timestamp"]))
        return Lock(
            key=key,
            pid=int(content["pid"]),
            username=str(content["username"]),
            hostname=str(content["hostname"]),
            timestamp=stamp.astimezone(),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise OpsError(
            f"{key} is not a lock the engine writes ({error}): look at it before deleting it by hand"
        ) from error
