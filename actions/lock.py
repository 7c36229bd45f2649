"""Two releases of one service never fight: the second waits, and a killed one frees itself.

The lock is an item of a DynamoDB table (owner, expiry, number, journal), because only conditional writes make a lock.
It is renewed while its process lives. The number grows with every lock taken, so that a run that lost it can never
overwrite what a later one wrote.
"""

import os
import socket
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from actions.clients import Clients
from actions.errors import Cancelled, LockHeld
from actions.lifeline import Cancellation
from actions.progress import Progress

TTL_SECONDS = 30
RENEW_SECONDS = 8
POLL_SECONDS = 1.0

UNTAKEN_SINCE = "attribute_not_exists(id) OR #n = :seen"
MINE = "#n = :n AND #o = :o"


def owner_name() -> str:
    """Who releases: host, boot, process and its start, so that the next run on this host can see that it died."""
    return f"{socket.gethostname()}/{_boot_id()}/{os.getpid()}/{_process_start(os.getpid())}/{uuid.uuid4().hex[:8]}"


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]


def _process_start(pid: int) -> str:
    """Start time of a process in clock ticks since boot, or '' when there is no such process or only its shell (Z)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return ""
    return "" if fields[0] in ("Z", "X") else fields[19]


def is_dead(owner: str) -> bool:
    """True only when the owner ran on this host since this boot and its process is gone."""
    host, boot, pid, started, _ = owner.split("/")
    return host == socket.gethostname() and boot == _boot_id() and _process_start(int(pid)) != started


@dataclass(frozen=True, kw_only=True)
class Journal:
    """What a run was about to change, written before it changed it. Empty strings where nothing moved yet."""

    revision: str = ""  # what is being released: a task definition, the content of a host's release
    previous: str = ""  # what was in service
    previous_count: int = 0  # of its tasks


class Lock:
    """Held from `acquire` to `release`; renewed while the process lives, free again `TTL_SECONDS` after it died."""

    def __init__(self, aws: Clients, table: str, cancellation: Cancellation, progress: Progress) -> None:
        self._db = aws("dynamodb")
        self._table = table
        self._cancellation = cancellation
        self._progress = progress
        self._owner = owner_name()
        self._done = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="lock", daemon=True)
        self.number = 0
        self.inherited = Journal()  # of a run that never released its lock

    def acquire(self, wait_seconds: float) -> None:
        """Raises `LockHeld` when another run keeps it longer than that."""
        deadline = time.monotonic() + wait_seconds
        said = ""
        while True:
            held = self._read()
            owner = held["owner"]["S"] if held else ""
            if self._take(held):
                self._keeper.start()
                return
            if time.monotonic() > deadline:
                raise LockHeld(f"{owner} has been releasing this service for more than {wait_seconds:.0f} s")
            if owner != said:
                self._progress.say(f"waiting for another release of this service ({owner.split('/')[0]})")
                said = owner
            self._cancellation.wait(POLL_SECONDS)

    def write_journal(self, journal: Journal) -> None:
        self._update("SET revision = :r, previous = :p, previous_count = :c", self._journal_values(journal))

    def held(self) -> bool:
        """Whether this run may still change the service; asked before every change that undoes another."""
        try:
            self._renew()
        except Cancelled:
            return False
        return True

    def release(self, *, forget: bool) -> None:
        """Gives the lock back; a lock already lost is somebody else's and stays.

        `forget`: nothing is left to mend. Otherwise the journal stays for the next run.
        """
        self._done.set()
        if self._keeper.is_alive():
            self._keeper.join(RENEW_SECONDS)
        try:
            forgetting = " REMOVE revision, previous, previous_count" if forget else ""
            self._update(f"SET expires = :e{forgetting}", {":e": {"N": "0"}})
        except Cancelled:
            self._progress.say("the lock had been taken over")
        except (BotoCoreError, ClientError) as error:
            self._progress.say(f"the lock could not be given back and ends by itself in {TTL_SECONDS} s: {error}")

    def _read(self) -> dict[str, Any] | None:
        answer = self._db.get_item(TableName=self._table, Key={"id": {"S": "lock"}}, ConsistentRead=True)
        item: dict[str, Any] | None = answer.get("Item")
        return item

    def _take(self, held: dict[str, Any] | None) -> bool:
        """Compare-and-set on the number that was read: of two takers one wins."""
        if held and int(held["expires"]["N"]) >= time.time() and not is_dead(held["owner"]["S"]):
            return False
        seen = int(held["number"]["N"]) if held else 0
        journal = _journal_of(held) if held else Journal()
        try:
            self._db.put_item(
                TableName=self._table,
                Item={
                    "id": {"S": "lock"},
                    "owner": {"S": self._owner},
                    "number": {"N": str(seen + 1)},
                    "expires": {"N": str(int(time.time()) + TTL_SECONDS)},
                    "revision": {"S": journal.revision},
                    "previous": {"S": journal.previous},
                    "previous_count": {"N": str(journal.previous_count)},
                },
                ConditionExpression=UNTAKEN_SINCE,
                ExpressionAttributeNames={"#n": "number"},
                ExpressionAttributeValues={":seen": {"N": str(seen)}},
            )
        except self._db.exceptions.ConditionalCheckFailedException:
            return False
        self.number, self.inherited = seen + 1, journal
        return True

    def _keep(self) -> None:
        lost_at = time.monotonic() + TTL_SECONDS
        while not self._done.wait(RENEW_SECONDS):
            try:
                self._renew()
                lost_at = time.monotonic() + TTL_SECONDS
            except Cancelled as error:
                self._cancellation.ask(str(error))
                return
            except (BotoCoreError, ClientError) as error:
                if time.monotonic() > lost_at:
                    self._cancellation.ask(f"the release lock could not be renewed: {error}")
                    return

    def _renew(self) -> None:
        self._update("SET expires = :e", {":e": {"N": str(int(time.time()) + TTL_SECONDS)}})

    def _update(self, expression: str, values: dict[str, Any]) -> None:
        try:
            self._db.update_item(
                TableName=self._table,
                Key={"id": {"S": "lock"}},
                UpdateExpression=expression,
                ConditionExpression=MINE,
                ExpressionAttributeNames={"#n": "number", "#o": "owner"},
                ExpressionAttributeValues={**values, ":n": {"N": str(self.number)}, ":o": {"S": self._owner}},
            )
        except self._db.exceptions.ConditionalCheckFailedException as error:
            raise Cancelled("another run took over the release lock") from error

    @staticmethod
    def _journal_values(journal: Journal) -> dict[str, Any]:
        return {
            ":r": {"S": journal.revision},
            ":p": {"S": journal.previous},
            ":c": {"N": str(journal.previous_count)},
        }


def _journal_of(item: dict[str, Any]) -> Journal:
    return Journal(
        revision=item.get("revision", {}).get("S", ""),
        previous=item.get("previous", {}).get("S", ""),
        previous_count=int(item.get("previous_count", {}).get("N", "0")),
    )
