"""Two releases of one service never fight: the lock on a real table, with conditional writes."""

import os
import threading
import time
from collections.abc import Iterator

import boto3
import pytest

from actions.clients import Clients
from actions.errors import Cancelled, LockHeld
from actions.lifeline import Cancellation
from actions.lock import Journal, Lock
from actions.progress import Progress
from actions.records import Records

TABLE = "locks-of-the-test"


@pytest.fixture
def table(aws: boto3.session.Session, cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Clients]:
    for name, value in cloud.items():
        monkeypatch.setenv(name, value)
    db = aws.client("dynamodb")
    db.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    yield Clients(cloud["AWS_REGION"])
    db.delete_table(TableName=TABLE)


def lock(clients: Clients, cancellation: Cancellation | None = None) -> Lock:
    return Lock(clients, TABLE, cancellation or Cancellation(), Progress())


def test_the_second_waits_until_the_first_is_done(table: Clients) -> None:
    first, second = lock(table), lock(table)
    first.acquire(wait_seconds=60)
    threading.Timer(1.5, lambda: first.release(forget=True)).start()
    began = time.monotonic()
    second.acquire(wait_seconds=60)
    assert time.monotonic() - began >= 1
    assert second.number == first.number + 1
    assert second.inherited == Journal()
    second.release(forget=True)


def test_waiting_is_bounded_and_names_the_holder(table: Clients) -> None:
    first = lock(table)
    first.acquire(wait_seconds=60)
    with pytest.raises(LockHeld, match="has been releasing this service"):
        lock(table).acquire(wait_seconds=1)
    first.release(forget=True)


def test_a_dead_holder_is_replaced_at_once_and_its_journal_inherited(table: Clients) -> None:
    journal = Journal(revision="App:7", previous="App:6", previous_count=2)
    child = os.fork()
    if child == 0:
        dying = lock(Clients("us-east-1"))
        dying.acquire(wait_seconds=60)
        dying.write_journal(journal)
        os._exit(9)
    os.waitpid(child, 0)
    heir = lock(table)
    began = time.monotonic()
    heir.acquire(wait_seconds=60)
    assert time.monotonic() - began < 5
    assert heir.inherited == journal
    heir.release(forget=True)


def test_an_overtaken_run_can_neither_write_its_journal_nor_record_a_release(
    table: Clients, aws: boto3.session.Session
) -> None:
    old = lock(table)
    old.acquire(wait_seconds=60)
    aws.client("dynamodb").update_item(
        TableName=TABLE,
        Key={"id": {"S": "lock"}},
        UpdateExpression="SET expires = :e",
        ExpressionAttributeValues={":e": {"N": "1"}},
    )
    new = lock(table)
    new.acquire(wait_seconds=60)
    with pytest.raises(Cancelled, match="another run took over"):
        old.write_journal(Journal(revision="App:1"))
    records = Records(table, TABLE)
    records.record_verified({"image_tag": "new"}, new.number)
    with pytest.raises(Cancelled, match="a later release was verified"):
        records.record_verified({"image_tag": "old"}, old.number)
    assert records.verified() == {"image_tag": "new"}
    old.release(forget=True)
    assert Records(table, TABLE).verified() == {"image_tag": "new"}
    new.release(forget=True)


def test_of_many_takers_one_wins(table: Clients) -> None:
    """A race for a lock that nobody holds."""
    takers = [lock(table) for _ in range(5)]
    won: list[int] = []

    def take(taker: Lock) -> None:
        try:
            taker.acquire(wait_seconds=0)
            won.append(taker.number)
        except LockHeld:
            pass

    threads = [threading.Thread(target=take, args=(taker,)) for taker in takers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
