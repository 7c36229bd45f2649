"""Release an image on a fleet of hosts, some at a time: it ends verified on every host, or every host is as it was.

One transaction: lock → preflight → image and files on every host → migration → wave by wave, each host out of the
balancer, switched and back → verification → record. Whatever ends it early (a failed host, a deadline, a signal, the
death of the parent) goes through the same way back. Run by `components.release.rolling`; progress on standard error,
the proof as one JSON object on standard output.
"""

import json
import sys
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from actions import lifeline, verify
from actions.clients import Clients
from actions.clock import RealClock
from actions.errors import Cancelled, ReleaseError
from actions.hosts.access import access_from_environment
from actions.lifeline import Cancellation
from actions.probe import Probe
from actions.progress import Progress
from actions.rolling import request
from actions.rolling.release import RollingRelease, World
from actions.rolling.request import RollingRequest
from actions.rolling.single import OwnNginx
from actions.rolling.sockets import Sockets
from actions.rolling.target_group import TargetGroup, text_of


class Users:
    """HTTP and WebSocket users through the balancer."""

    def __init__(self, asked: RollingRequest, serving: bool) -> None:
        self._http = Probe(asked.url, serving=serving)
        self._sockets = Sockets(asked.websocket_url, serving=serving)

    def start(self) -> None:
        self._http.start()
        self._sockets.start()

    def stop(self) -> None:
        self._http.stop()
        self._sockets.stop()

    def result(self, drained: list[tuple[float, float]]) -> dict[str, Any]:
        return {"http": self._http.result.as_dict(), "websocket": self._sockets.result.as_dict(drained)}

    def failures(self) -> str:
        seen = self._http.result
        versions = " → ".join(f"{entry.version} ({entry.answers})" for entry in seen.versions)
        return f"{seen.failures} failed of {seen.requests} requests, longest gap {seen.longest_gap} s, seen {versions}"


def real_world(asked: RollingRequest, cancellation: Cancellation, progress: Progress) -> World:
    aws = Clients(asked.region)

    def certified() -> None:
        if asked.certificate:
            own_nginx.certify(asked.certificate)

    def balanced(passes: int) -> int:
        certified()
        deadline = time.monotonic() + asked.timeout_seconds
        return verify.passes(asked.url, passes, deadline, cancellation, progress).slowest_ms

    def everywhere() -> None:
        certified()
        verify.everywhere(asked.url, cancellation)

    access, clock = access_from_environment(aws, asked.project, cancellation, progress), RealClock(cancellation)
    own_nginx = OwnNginx(asked.hosts, access.machine, asked.drain_seconds)
    return World(
        aws=aws,
        access=access,
        targets=own_nginx if asked.single else TargetGroup(aws, asked.target_group, asked.port, clock),
        clock=clock,
        progress=progress,
        cancellation=cancellation,
        balanced=balanced,
        everywhere=everywhere,
        watchers=lambda serving: Users(asked, serving),
    )


def work(cancellation: Cancellation) -> int:
    progress = Progress()
    try:
        asked = request.from_environment()
        proof = RollingRelease(asked, real_world(asked, cancellation, progress)).run()
    except (ReleaseError, ClientError, BotoCoreError) as error:
        kind = "cancelled" if isinstance(error, Cancelled) else "failed"
        progress.say(f"{kind}: {text_of(error)}")
        return 1
    print(json.dumps(proof), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(lifeline.run(work))
