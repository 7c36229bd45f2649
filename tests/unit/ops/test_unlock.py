"""Which locks are stale, and where they lie."""

import json
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops.errors import OpsError
from ops.state_locks import DirectoryStore, Lock, lock_prefix, locks_of, open_store, parse_lock
from ops.unlock import Here, judge, look_around, process_start

TAKEN = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
BEFORE, AFTER = TAKEN - timedelta(minutes=5), TAKEN + timedelta(minutes=5)


def lock(hostname: str = "build-7", username: str = "ann") -> Lock:
    return Lock(key="k", pid=41, username=username, hostname=hostname, timestamp=TAKEN)


def here(*, serialised: bool = False, username: str = "ann") -> Here:
    return Here(hostname="build-7", username=username, serialised=serialised)


@pytest.mark.parametrize(
    ("held", "place", "started", "stale"),
    [
        (lock(), here(), None, True),  # the process is gone
        (lock(), here(), AFTER, True),  # its number was given to another one
        (lock(), here(), BEFORE, False),  # it is at work
        (lock(), here(serialised=True), BEFORE, False),
        (lock(), here(), TAKEN + timedelta(seconds=1), False),  # within what the clock can tell
        (lock("runner-9"), here(), None, False),  # not seen from here
        (lock("runner-9", "runner"), here(serialised=True, username="runner"), None, True),
        (lock("runner-9", "runner"), here(serialised=False, username="runner"), None, False),
        (lock("anns-laptop"), here(serialised=True, username="runner"), None, False),  # a person at work by hand
    ],
)
def test_verdict(held: Lock, place: Here, started: datetime | None, stale: bool) -> None:
    assert judge(held, place, started).stale is stale


def test_a_run_serialises_only_inside_the_stacks_own_group() -> None:
    hosted = {"GITHUB_ACTIONS": "true", "RUNNER_ENVIRONMENT": "github-hosted", "CONCURRENCY_GROUP": "pulumi-web.dev"}
    assert look_around("web.dev", hosted).serialised
    assert not look_around("web.prod", hosted).serialised
    assert not look_around("web.dev", hosted | {"RUNNER_ENVIRONMENT": "self-hosted"}).serialised
    assert not look_around("web.dev", {"CONCURRENCY_GROUP": "pulumi-web.dev"}).serialised


def test_process_start_knows_living_and_ended_processes() -> None:
    mine = process_start(os.getpid())
    assert mine is not None
    assert mine <= datetime.now(tz=UTC)
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    assert process_start(child.pid) is None


def test_an_ended_process_that_nobody_collected_counts_as_ended() -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert process_start(child.pid) is None
    child.wait()


def test_locks_of_a_directory(tmp_path: Path) -> None:
    folder = tmp_path / lock_prefix("proj", "web.dev")
    folder.mkdir(parents=True)
    content = {"pid": 7, "username": "ann", "hostname": "h", "timestamp": "2026-11-21T08:34:16.313701821Z"}
    (folder / "a.json").write_text(json.dumps(content))
    (folder / "a.json.attrs").write_text("{}")
    store = open_store(f"file://{tmp_path}?no_tmp_dir=true")
    (found,) = locks_of(store, lock_prefix("proj", "web.dev"))
    assert (found.pid, found.username, found.hostname) == (7, "ann", "h")
    assert found.timestamp.astimezone(UTC) == datetime(2026, 11, 21, 8, 34, 16, 313701, tzinfo=UTC)
    store.remove(found.key)
    assert list(folder.iterdir()) == []
    assert locks_of(store, lock_prefix("proj", "web.dev")) == []


def test_backend_addresses() -> None:
    home = open_store("file://~")
    assert isinstance(home, DirectoryStore)
    assert home.root == Path.home()
    with pytest.raises(OpsError, match="pulumi cancel"):
        open_store("https://api.pulumi.com")


def test_a_file_that_is_no_lock_is_left_alone() -> None:
    with pytest.raises(OpsError, match="is not a lock the engine writes"):
        parse_lock("x.json", '{"pid": 1}')


def test_this_machines_name_is_the_one_the_engine_writes() -> None:
    assert look_around("web.dev", {}).hostname == socket.gethostname()
