"""Release an image on an ECS service: it ends verified, or the service is as it was and the reason is said.

One transaction: lock → preflight → revision pinned by digest → deployment followed by its ARN → verification →
record. Whatever ends it early (a failed task, a deadline, a signal, the death of the parent) goes through the same
way back: the last verified release. Run by `components.release.ecs`; progress on standard error, the proof as one
JSON object on standard output.
"""

import json
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from actions import lifeline, permissions, request, verify
from actions.clients import Clients
from actions.deployment import Deploying
from actions.ecs import EcsService, ServiceState
from actions.errors import Cancelled, ReleaseError, TaskFailed
from actions.lifeline import Cancellation
from actions.lock import Journal, Lock
from actions.plan_ecs import Rest, Way, choose_rest, choose_way, same_content, short, wanted_definition
from actions.preflight_ecs import Preflight
from actions.probe import Probe, ProbeResult
from actions.progress import Progress
from actions.records import Records

LOCK_MARGIN_SECONDS = 60  # another release may take its time twice: forward and back


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The revision to bring into service."""

    revision: str
    digest: str
    count: int


class EcsRelease:
    """One run of the transaction."""

    def __init__(self, asked: request.EcsRequest, cancellation: Cancellation, progress: Progress) -> None:
        self._asked, self._cancellation, self._progress = asked, cancellation, progress
        self._aws = Clients(asked.region)
        self._service = EcsService(self._aws, asked)
        self._records = Records(self._aws, asked.table)
        self._lock = Lock(self._aws, asked.table, cancellation, progress)
        self._deadline = 0.0
        self._settled = False  # the service is released or at rest again: no later run has anything to mend
        self._kept: tuple[str, ...] = ()  # revisions of verified releases: never taken away

    def run(self) -> dict[str, Any]:
        """The proof of the verified release. Raises `ReleaseError` after everything was undone."""
        with self._progress.step("lock"):
            self._lock.acquire(wait_seconds=2 * self._asked.timeout_seconds + LOCK_MARGIN_SECONDS)
        try:
            return self._locked()
        finally:
            with self._cancellation.shielded():
                self._lock.release(forget=self._settled)

    def _locked(self) -> dict[str, Any]:
        self._deadline = time.monotonic() + self._asked.timeout_seconds
        verified, state = self._records.verified(), self._service.state()
        self._kept = of_last_two("task_definition", verified)
        template = self._service.definition(self._asked.template)
        inherited = self._lock.inherited
        if inherited.revision:
            self._progress.say(f"finishing after a release of {short(inherited.revision)} that was cut off")
        returning = self._asked.image in of_last_two("image", verified) or bool(inherited.revision)
        with self._progress.step("preflight"):
            digest = Preflight(self._aws, self._asked, template, state, returning).run(self._progress)
        inherited_rest = (inherited.previous, inherited.previous_count)
        rest = choose_rest(verified, state, inherited_rest, self._asked.template)
        probe = Probe(self._asked.url, serving=rest.count > 0)
        probe.start()
        try:
            wanted = self._wanted(template, digest, state, rest)
            try:
                passed = self._bring(wanted, state)
                proof = self._proof(wanted, passed, probe.stop(), verified)
                self._records.record_verified(proof, self._lock.number)
            except Exception as failure:
                self._undo(wanted, rest, probe, failure)
                raise
        finally:
            probe.stop()
        self._settled = True
        self._report(proof, probe.result)
        self._retire({inherited.revision, *self._kept} - set(of_last_two("task_definition", proof)) - {""})
        return proof

    def _wanted(self, template: dict[str, Any], digest: str, state: ServiceState, rest: Rest) -> Wanted:
        """An active revision with this very content, or a new one; what a run that was cut off left is removed."""
        definition = wanted_definition(template, self._asked.family, self._asked.container, self._asked.pinned(digest))
        in_use = {state.primary.task_definition, rest.revision, *self._kept}
        left_over = {self._lock.inherited.revision, self._service.newest(self._asked.family)} - in_use
        known = sorted((in_use | left_over) - {""})
        same = [arn for arn in known if same_content(self._service.definition(arn), definition)]
        revision = same[-1] if same else self._service.register(definition)
        self._lock.write_journal(Journal(revision=revision, previous=rest.revision, previous_count=rest.count))
        count = max(self._asked.desired_count, state.desired) if self._asked.scales else self._asked.desired_count
        self._retire(left_over - {revision, ""})
        self._progress.say(f"{self._asked.tag} is {short(revision)}, pinned to {digest[:19]}")
        return Wanted(revision=revision, digest=digest, count=count)

    def _retire(self, revisions: set[str]) -> None:
        """Takes revisions away that nobody returns to; what cannot be taken stays, and the release stands."""
        for arn in revisions:
            try:
                self._service.deregister(arn)
            except (ClientError, BotoCoreError) as error:
                self._progress.say(f"{short(arn)} stays registered: {_text(error)}")

    def _bring(self, wanted: Wanted, state: ServiceState) -> dict[str, Any]:
        """Deployment and verification; what was observed in the end."""
        way = choose_way(state, wanted.revision)
        deploying = Deploying(self._aws, self._asked, self._cancellation, self._progress)
        with self._progress.step("deploy"):
            if way is not Way.DEPLOY and state.desired != wanted.count:
                self._service.scale(wanted.count)
            if way is Way.ALREADY_THERE:
                self._progress.say(f"{short(wanted.revision)} is already in service")
                deploying.wait_for_count(wanted.revision, self._deadline)
            else:
                started = deploying.start(wanted.revision, wanted.count) if way is Way.DEPLOY else None
                deploying.follow(wanted.revision, started, self._deadline)
        with self._progress.step("verify"):
            return self._verify(wanted)

    def _verify(self, wanted: Wanted) -> dict[str, Any]:
        passed = verify.passes(self._asked.url, self._asked.passes, self._deadline, self._cancellation, self._progress)
        look = self._service.look()
        running = [task for task in look.tasks if not task.stopped]
        strange = sorted({task.digest or "unknown" for task in running} - {wanted.digest})
        if strange:
            raise ReleaseError(f"expected every running task on {wanted.digest}, found {', '.join(strange)}")
        healthy = look.healthy(wanted.revision)
        if healthy < look.service.desired:
            raise ReleaseError(f"expected {look.service.desired} healthy targets, found {healthy}")
        self._progress.say(f"verified: {passed.passes} passes, {healthy} healthy targets on {wanted.digest[:19]}")
        return {
            "passes": passed.passes,
            "slowest_ms": passed.slowest_ms,
            "healthy_targets": healthy,
            "running_digests": sorted({task.digest for task in running}),
        }

    def _undo(self, wanted: Wanted, rest: Rest, probe: Probe, failure: Exception) -> None:
        """Back to rest, verified as well; says what failed, what was found and what was undone."""
        say, detail = self._progress.say, self._progress.detail
        say(f"release of {self._asked.tag} failed: {_text(failure)}")
        for line in failure.log_tail if isinstance(failure, TaskFailed) else ():
            detail(f"log | {line}")
        result = probe.stop()
        detail(f"users saw {result.failures} failed of {result.requests} requests")
        if wanted.revision == rest.revision:
            detail("this is the last verified release itself: there is nothing to return to")
            return
        with self._cancellation.shielded(), self._progress.step("undo"):
            try:
                if not self._lock.held():
                    detail("another run holds the release lock now: it finishes or restores this release")
                    return
                self._go_back(wanted, rest)
            except (ReleaseError, ClientError, BotoCoreError) as error:
                say(f"NOT undone: {_text(error)}")
                detail("the next `pulumi up` finishes or restores this release; see docs/runbooks/liveinsight.md")
                return
        self._settled = True
        what = "the last verified release" if rest.verified else "what was there before"
        say(f"undone: {self._asked.service} is back on {short(rest.revision)}, {what}")
        detail("next: mend the image or set imageTag to a good one, then `pulumi up`; the preview shows it as pending")

    def _go_back(self, wanted: Wanted, rest: Rest) -> None:
        deadline = time.monotonic() + self._asked.timeout_seconds
        deploying = Deploying(self._aws, self._asked, self._cancellation, self._progress)
        deploying.back(wanted.revision, rest, deadline)
        if rest.count:
            verify.passes(self._asked.url, self._asked.passes, deadline, self._cancellation, self._progress)
            if self._service.look().healthy(rest.revision) < 1:
                raise ReleaseError(f"no target of {short(rest.revision)} is healthy")
        self._retire({wanted.revision} - set(self._kept))

    def _proof(
        self, wanted: Wanted, passed: dict[str, Any], seen: ProbeResult, verified: dict[str, Any] | None
    ) -> dict[str, Any]:
        """What was observed; small enough for a stack output."""
        return {
            "image": self._asked.image,
            "image_tag": self._asked.tag,
            "digest": wanted.digest,
            "task_definition": wanted.revision,
            "count": wanted.count,
            "number": self._lock.number,
            "verified_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "verification": passed,
            "probe": seen.as_dict(),
            "seconds": {**self._progress.seconds, "total": round(self._progress.elapsed(), 1)},
            "previous": previous_of(verified, self._asked.image),
        }

    def _report(self, proof: dict[str, Any], seen: ProbeResult) -> None:
        versions = " → ".join(f"{entry.version} ({entry.answers})" for entry in seen.versions)
        self._progress.say(
            f"released {proof['image_tag']}: {seen.failures} failed of {seen.requests} requests, "
            f"longest gap {seen.longest_gap} s, versions seen {versions}"
        )


def of_last_two(key: str, verified: dict[str, Any] | None) -> tuple[str, ...]:
    """`image` or `task_definition` of the last two verified releases: what runs, and what a rollback returns to."""
    releases = (verified, verified.get("previous")) if verified else ()
    return tuple(release[key] for release in releases if release)


def previous_of(verified: dict[str, Any] | None, image: str) -> dict[str, Any] | None:
    """What a rollback of `image` returns to: the release verified before it (its own predecessor when repeated)."""
    if verified is None or verified["image"] == image:
        return verified and verified.get("previous")
    return {key: verified[key] for key in ("image", "image_tag", "digest", "task_definition")}


def _text(error: Exception) -> str:
    return permissions.refusal(error) if isinstance(error, ClientError) else str(error)


def work(cancellation: Cancellation) -> int:
    progress = Progress()
    try:
        proof = EcsRelease(request.from_environment(), cancellation, progress).run()
    except (ReleaseError, ClientError, BotoCoreError) as error:
        kind = "cancelled" if isinstance(error, Cancelled) else "failed"
        progress.say(f"{kind}: {_text(error)}")
        return 1
    print(json.dumps(proof), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(lifeline.run(work))
