"""Deploy all packages of a release together: all are in service and verified, or all are as they were before.

`python -m actions.deploy_packages FOLDER`, run by the build after its tests, and by production with the artifact that
staging deployed. One transaction: lock → release checked → every target prepared → each deployed and verified →
published for production → recorded. When a package fails, those deployed before it are put back, the last one first.
"""

import io
import json
import os
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from actions import lifeline, permissions
from actions.build_history import time_to_fix
from actions.clients import Clients
from actions.errors import Cancelled, ReleaseError
from actions.lifeline import Cancellation
from actions.lock import Lock
from actions.packages import release as releases
from actions.packages.container import Container
from actions.packages.release import CONTAINER, SITE, Package, Release
from actions.packages.site import Site, SiteSettings
from actions.packages.target import Target
from actions.progress import Progress
from actions.records import Records

LOCK_SECONDS = 1800.0  # as long as one that is ahead may take


@dataclass(frozen=True, kw_only=True)
class DeployRequest:
    """Where the packages go, read from the build's environment."""

    folder: Path
    targets: dict[str, dict[str, Any]]  # package → what its kind of target needs
    table: str
    region: str
    work: str  # bucket for notes and what is published
    publish: str  # key under which production finds the release; empty where nobody comes after
    timeout_seconds: int
    build: str  # <project>:<id>
    build_number: int
    metrics: str  # namespace


def from_environment(folder: str, environment: Mapping[str, str] = os.environ) -> DeployRequest:
    """Raises `ReleaseError` naming the variable that is missing."""

    def text(name: str) -> str:
        if not environment.get(name):
            raise ReleaseError(f"{name} is not set: this is run by a build of the stack's project, which sets it")
        return environment[name]

    return DeployRequest(
        folder=Path(folder),
        targets=json.loads(text("TARGETS")),
        table=text("DEPLOYS_TABLE"),
        region=text("REGION"),
        work=text("WORK_BUCKET"),
        publish=environment.get("PUBLISH_KEY", ""),
        timeout_seconds=int(text("TIMEOUT_SECONDS")),
        build=text("CODEBUILD_BUILD_ID"),
        build_number=int(text("CODEBUILD_BUILD_NUMBER")),
        metrics=text("METRICS_NAMESPACE"),
    )


class Deploy:
    """One run of the transaction."""

    def __init__(self, asked: DeployRequest, cancellation: Cancellation, progress: Progress) -> None:
        self._asked, self._cancellation, self._progress = asked, cancellation, progress
        self._aws = Clients(asked.region)
        self._lock = Lock(self._aws, asked.table, cancellation, progress)
        self._records = Records(self._aws, asked.table)

    def run(self) -> dict[str, Any]:
        """The proof of the deploy. Raises `ReleaseError` after everything was put back."""
        with self._progress.step("check"):
            release = releases.read(self._asked.folder)
            targets = [self._target(package) for package in release.packages]
        with self._progress.step("lock"):
            self._lock.acquire(wait_seconds=LOCK_SECONDS)
        try:
            return self._locked(release, targets)
        finally:
            with self._cancellation.shielded():
                self._lock.release(forget=True)

    def _locked(self, release: Release, targets: list[Target]) -> dict[str, Any]:
        self._refuse_overtaken()
        with self._progress.step("prepare"):
            for target in targets:
                target.prepare()
        deployed: list[Target] = []
        try:
            proof = self._proof(release, self._deploy(targets, deployed))
            self._publish(release)
            self._records.record_verified(proof, self._lock.number)
        except Exception as failure:
            self._put_back(targets, deployed, failure)
            raise
        for target in targets:
            target.settle()
        self._measure()
        return proof

    def _deploy(self, targets: list[Target], deployed: list[Target]) -> dict[str, Any]:
        """What was observed, by package; `deployed` grows with every one that is in service."""
        seen: dict[str, Any] = {}
        for target in targets:
            self._progress.say(f"deploying {target.name} ({len(deployed) + 1} of {len(targets)})")
            with self._progress.step(target.name):
                seen[target.name] = target.deploy()
            deployed.append(target)
        return seen

    def _refuse_overtaken(self) -> None:
        """A build that waited behind a newer one must not bring the old state back."""
        verified = self._records.verified()
        project = self._asked.build.partition(":")[0]
        if verified and verified["project"] == project and verified["build_number"] > self._asked.build_number:
            raise ReleaseError(
                f"build {self._asked.build_number} is older than build {verified['build_number']}, which is deployed: "
                "start a new build to go back"
            )

    def _put_back(self, targets: list[Target], deployed: list[Target], failure: Exception) -> None:
        """Everything as it was; a target that failed has seen to itself already."""
        failed = targets[len(deployed)].name if len(deployed) < len(targets) else "the release"
        self._progress.say(f"deploy of {failed} failed: {_text(failure)}")
        if not deployed:
            self._progress.say("no package was deployed before it: nothing to put back")
        with self._cancellation.shielded():
            for target in reversed(deployed):
                try:
                    self._progress.say(f"putting {target.name} back, which was deployed before it")
                    self._progress.say(f"{target.name} is back on {target.back()}")
                except (ReleaseError, ClientError, BotoCoreError) as error:
                    self._progress.say(f"{target.name} is NOT back: {_text(error)}; the next deploy starts from it")
            for target in targets[len(deployed) + 1 :]:
                target.settle()

    def _publish(self, release: Release) -> None:
        """Production may take exactly this release, now that it is verified here."""
        if not self._asked.publish:
            return
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(path for path in self._asked.folder.rglob("*") if path.is_file()):
                archive.writestr(zipfile.ZipInfo(path.relative_to(self._asked.folder).as_posix()), path.read_bytes())
        self._aws("s3").put_object(
            Bucket=self._asked.work,
            Key=self._asked.publish,
            Body=content.getvalue(),
            Metadata={"checksum": release.checksum, "commit": release.commit},
        )

    def _proof(self, release: Release, seen: dict[str, Any]) -> dict[str, Any]:
        project, _, _ = self._asked.build.partition(":")
        return {
            "commit": release.commit,
            "checksum": release.checksum,
            "packages": seen,
            "project": project,
            "build": self._asked.build,
            "build_number": self._asked.build_number,
            "number": self._lock.number,
            "verified_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": {**self._progress.seconds, "total": round(self._progress.elapsed(), 1)},
        }

    def _measure(self) -> None:
        """How long the pipeline had been red; the deploy stands also when nobody can tell."""
        try:
            self._put_time_to_fix()
        except (ClientError, BotoCoreError) as error:
            self._progress.say(f"deployed, but its time to fix is not measured: {_text(error)}")

    def _put_time_to_fix(self) -> None:
        """A figure only when this deploy made the pipeline green again."""
        seconds = time_to_fix(self._aws("codebuild"), self._asked.build)
        if seconds is None:
            return
        project = self._asked.build.partition(":")[0]
        datum = {
            "MetricName": "TimeToFix",
            "Dimensions": [{"Name": "ProjectName", "Value": project}],
            "Value": seconds,
            "Unit": "Seconds",
        }
        self._aws("cloudwatch").put_metric_data(Namespace=self._asked.metrics, MetricData=[datum])
        self._progress.say(f"the pipeline is green again after {seconds:.0f} s")

    def _target(self, package: Package) -> Target:
        wanted = self._asked.targets.get(package.name)
        if wanted is None or wanted["kind"] != package.kind:
            raise ReleaseError(f"this environment has no {package.kind} for package {package.name}")
        if package.kind == SITE:
            settings = SiteSettings(
                bucket=wanted["bucket"],
                distribution=wanted["distribution"],
                url=wanted["url"],
                notes=self._asked.work,
                timeout_seconds=self._asked.timeout_seconds,
            )
            return Site(package, self._asked.folder, settings, self._aws, self._cancellation, self._progress)
        if package.kind == CONTAINER:
            return Container(package, wanted["environment"], self._aws, self._cancellation, self._progress)
        raise ReleaseError(f"package {package.name} has an unknown kind of target: {package.kind!r}")


def _text(error: Exception) -> str:
    return permissions.refusal(error) if isinstance(error, ClientError) else str(error)


def work(cancellation: Cancellation) -> int:
    progress = Progress()
    try:
        proof = Deploy(from_environment(sys.argv[1]), cancellation, progress).run()
    except (ReleaseError, ClientError, BotoCoreError) as error:
        kind = "cancelled" if isinstance(error, Cancelled) else "failed"
        progress.say(f"{kind}: {_text(error)}")
        return 1
    print(json.dumps(proof), flush=True)
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m actions.deploy_packages FOLDER")
    sys.exit(lifeline.run(work))
