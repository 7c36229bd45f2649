"""Clear the locks that a killed `pulumi up` left behind, and only those; mend a state that it left half written.

python -m ops.unlock STACK [--clear-pending]

A lock is stale when its process is provably gone; every other one is kept, and its holder named. Exit code 0: the stack
is free.
"""

import argparse
import json
import os
import pwd
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ops import engine, torn_state
from ops.errors import run_command, say
from ops.project import Project, load_project
from ops.state_locks import Lock, lock_prefix, locks_of, open_store

# Linux tells a process's start to 1/100 s after the boot, and the boot itself to the second.
CLOCK_GRAIN = timedelta(seconds=2)


@dataclass(frozen=True, kw_only=True)
class Here:
    """What is known of the place this command runs in."""

    hostname: str
    username: str
    serialised: bool  # this run holds the stack's concurrency group, so no other workflow run can be at work on it


@dataclass(frozen=True, kw_only=True)
class Verdict:
    stale: bool
    because: str


def judge(lock: Lock, here: Here, started: datetime | None) -> Verdict:
    """Whether a lock's holder is gone.

    `started` is when the process with the lock's number began on this machine, None when there is none; it counts only
    for a lock taken here.
    """
    if lock.hostname == here.hostname:
        if started is None:
            return Verdict(stale=True, because=f"process {lock.pid} no longer exists on this machine")
        if started > lock.timestamp + CLOCK_GRAIN:
            return Verdict(
                stale=True, because=f"process {lock.pid} ended; another one has had its number since {started:%H:%M:%S}"
            )
        return Verdict(stale=False, because=f"process {lock.pid} is alive on this machine")
    if here.serialised and lock.username == here.username:
        return Verdict(
            stale=True, because=f"runner {lock.hostname} has ended: this run holds the stack's concurrency group"
        )
    return Verdict(
        stale=False, because=f"whether process {lock.pid} on {lock.hostname} lives cannot be seen from {here.hostname}"
    )


def process_start(pid: int, proc: Path = Path("/proc")) -> datetime | None:
    """When a process of this machine began; None when there is none, or it has ended and waits to be collected."""
    try:
        fields = (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
        boot = next(line for line in (proc / "stat").read_text().splitlines() if line.startswith("btime "))
    except (FileNotFoundError, ProcessLookupError):
        return None
    if fields[0] in {"Z", "X"}:
        return None
    seconds = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return datetime.fromtimestamp(int(boot.split()[1]) + seconds, tz=UTC)


def look_around(stack: str, environment: Mapping[str, str]) -> Here:
    """This machine, and whether the workflow serialises the stack (`CONCURRENCY_GROUP`, set next to `concurrency:`)."""
    hosted = environment.get("GITHUB_ACTIONS") == "true" and environment.get("RUNNER_ENVIRONMENT") == "github-hosted"
    return Here(
        hostname=socket.gethostname(),
        username=pwd.getpwuid(os.getuid()).pw_name,
        serialised=hosted and environment.get("CONCURRENCY_GROUP") == f"pulumi-{stack}",
    )


def clear_locks(url: str, project: Project, stack: str, here: Here) -> bool:
    """Remove what is stale, name what is kept; true when the stack is free."""
    store = open_store(url)
    free = True
    for lock in locks_of(store, lock_prefix(project.name, stack)):
        verdict = judge(lock, here, process_start(lock.pid))
        if verdict.stale:
            store.remove(lock.key)
            say(f"cleared the lock of {lock}: {verdict.because}")
        else:
            free = False
            say(
                f"kept the lock of {lock}: {verdict.because}. "
                f"When you know that it is over: `pulumi cancel --stack {stack}`"
            )
    return free


def pending_creates(stack: str) -> list[str]:
    """The URNs whose creation was under way when the engine was killed."""
    state = json.loads(engine.ask("stack", "export", "--stack", stack))
    operations = state.get("deployment", {}).get("pending_operations") or []
    return [str(operation["resource"]["urn"]) for operation in operations if operation.get("type") == "creating"]


def settle_pending(stack: str, clear: bool) -> int:
    """Tell which creations were cut off; forget them when asked to. The next `pulumi up` settles other operations."""
    urns = pending_creates(stack)
    for urn in urns:
        say(f"cut off while being created: {urn}")
    if not urns:
        return 0
    if not clear:
        say(
            "Look whether these exist: `pulumi import` those that do or delete them. The next `pulumi up` creates what "
            f"is missing and keeps warning until you run `python -m ops.unlock {stack} --clear-pending`, which also "
            "refreshes the state from what really exists"
        )
        return 0
    return engine.run(["refresh", "--stack", stack, "--clear-pending-creates", "--yes"])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m ops.unlock", description="Clear the locks of a killed `pulumi up`."
    )
    parser.add_argument("stack", help="<system>.<environment>, like liveinsight.prod")
    parser.add_argument(
        "--clear-pending",
        action="store_true",
        help="also forget creations that were cut off (this refreshes the stack)",
    )
    options = parser.parse_args(arguments)
    project = load_project()
    project.stack(options.stack)
    url = os.environ.get("PULUMI_BACKEND_URL") or str(engine.ask_json("whoami", "--json")["url"])
    if not clear_locks(url, project, options.stack, look_around(options.stack, os.environ)):
        return 1
    torn_state.mend(url, project.name, options.stack)
    return settle_pending(options.stack, options.clear_pending)


if __name__ == "__main__":
    run_command(main)
