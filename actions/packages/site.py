"""A static site: objects of a versioned bucket, served by CloudFront.

What was there is noted by version before anything is written, so that going back is a copy within the bucket. The note
lies in the working bucket until the whole release stands: the next run starts from it when this one is cut off.
"""

import hashlib
import json
import mimetypes
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from botocore.exceptions import ClientError

from actions.clients import Clients
from actions.errors import ReleaseError
from actions.lifeline import Cancellation
from actions.packages.release import Package
from actions.progress import Progress

# Browsers ask each time, the edge keeps a file until it is invalidated.
CACHE_CONTROL = "public, max-age=0, s-maxage=31536000, must-revalidate"
POLL_SECONDS = 1.0
CHECKED_FILES = 20  # asked through CloudFront after a deploy, the first page among them
TIMEOUT_SECONDS = 10.0
NOTES = "notes"  # the prefix of what to go back to, in the working bucket


@dataclass(frozen=True, kw_only=True)
class SiteSettings:
    bucket: str
    distribution: str  # its id
    url: str  # without a slash at its end
    notes: str  # bucket
    timeout_seconds: int


class Site:
    """The target of one site package."""

    def __init__(
        self,
        package: Package,
        folder: Path,
        settings: SiteSettings,
        aws: Clients,
        cancellation: Cancellation,
        progress: Progress,
    ) -> None:
        self.name = package.name
        self._package, self._folder, self._settings = package, folder, settings
        self._s3, self._cloudfront = aws("s3"), aws("cloudfront")
        self._cancellation, self._progress = cancellation, progress
        self._before: dict[str, str] = {}  # object → version

    def prepare(self) -> None:
        note = self._note()
        if note is not None:
            self._progress.say(f"{self.name}: finishing after a deploy that was cut off")
        self._before = self._versions() if note is None else note
        if note is None:
            body = json.dumps(self._before).encode()
            self._s3.put_object(Bucket=self._settings.notes, Key=self._note_key, Body=body)

    def deploy(self) -> dict[str, Any]:
        try:
            changed = self._write()
            if changed:
                self._invalidate()
            checked = self._verify()
        except Exception:
            with self._cancellation.shielded():
                self.back()
            raise
        self._progress.say(f"{self.name}: {changed} files changed, {checked} checked at {self._settings.url}")
        return {"url": self._settings.url, "files": len(self._package.files), "changed": changed, "checked": checked}

    def back(self) -> str:
        present = self._versions()
        for key, version in self._before.items():
            if present.get(key) != version:
                source = {"Bucket": self._settings.bucket, "Key": key, "VersionId": version}
                self._s3.copy_object(Bucket=self._settings.bucket, Key=key, CopySource=source)
        self._remove(sorted(present.keys() - self._before.keys()))
        self._invalidate()
        self.settle()
        return f"its {len(self._before)} files of before" if self._before else "no files, as before"

    def settle(self) -> None:
        self._s3.delete_object(Bucket=self._settings.notes, Key=self._note_key)

    # -- the note ---

    @property
    def _note_key(self) -> str:
        return f"{NOTES}/{self.name}.json"

    def _note(self) -> dict[str, str] | None:
        try:
            answer = self._s3.get_object(Bucket=self._settings.notes, Key=self._note_key)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            return None
        found: dict[str, str] = json.loads(answer["Body"].read())
        return found

    # -- the bucket ---

    def _versions(self) -> dict[str, str]:
        """The version of every object that is served now."""
        pages = self._s3.get_paginator("list_object_versions").paginate(Bucket=self._settings.bucket)
        return {
            item["Key"]: item["VersionId"] for page in pages for item in page.get("Versions", []) if item["IsLatest"]
        }

    def _write(self) -> int:
        """Put what differs, pages after everything they refer to; then take away what the release has not."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._settings.bucket)
        present = {item["Key"]: item["ETag"].strip('"') for page in pages for item in page.get("Contents", [])}
        changed = 0
        for name in sorted(self._package.files, key=lambda name: (name.endswith(".html"), name)):
            self._cancellation.check()
            content = (self._folder / self.name / name).read_bytes()
            if present.get(name) != hashlib.md5(content, usedforsecurity=False).hexdigest():
                self._put(name, content)
                changed += 1
        stale = sorted(present.keys() - self._package.files.keys())
        self._remove(stale)
        return changed + len(stale)

    def _put(self, name: str, content: bytes) -> None:
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        charset = "; charset=utf-8" if kind.startswith("text/") else ""
        self._s3.put_object(
            Bucket=self._settings.bucket,
            Key=name,
            Body=content,
            ContentType=kind + charset,
            CacheControl=CACHE_CONTROL,
        )

    def _remove(self, names: list[str]) -> None:
        for name in names:
            self._s3.delete_object(Bucket=self._settings.bucket, Key=name)

    # -- the edge ---

    def _invalidate(self) -> None:
        batch = {"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": uuid.uuid4().hex}
        made = self._cloudfront.create_invalidation(
            DistributionId=self._settings.distribution, InvalidationBatch=batch
        )["Invalidation"]
        deadline = time.monotonic() + self._settings.timeout_seconds
        while made["Status"] != "Completed":
            if time.monotonic() > deadline:
                raise ReleaseError(
                    f"{self.name}: invalidation {made['Id']} was not completed in {self._settings.timeout_seconds} s"
                )
            self._cancellation.wait(POLL_SECONDS)
            made = self._cloudfront.get_invalidation(DistributionId=self._settings.distribution, Id=made["Id"])[
                "Invalidation"
            ]

    def _verify(self) -> int:
        """Users get exactly these bytes: asked through CloudFront, compared by checksum."""
        names = sorted(self._package.files, key=lambda name: (name != "index.html", name))[:CHECKED_FILES]
        with requests.Session() as session:
            session.trust_env = False
            for name in names:
                self._cancellation.check()
                answer = session.get(f"{self._settings.url}/{name}", timeout=TIMEOUT_SECONDS)
                found = hashlib.sha256(answer.content).hexdigest()
                wanted = self._package.files[name]
                if answer.status_code != requests.codes.ok or found != wanted:
                    raise ReleaseError(
                        f"{self.name}: expected {self._settings.url}/{name} with SHA-256 {wanted[:12]}, "
                        f"found HTTP {answer.status_code} with {found[:12]}"
                    )
        return len(names)
