"""The end of a task's log: what the application itself said before it failed."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from actions.clients import Clients
from actions.lifeline import Cancellation

LINES = 20
TRIES = 4  # lines arrive a moment after the container ended
BETWEEN_SECONDS = 0.5


def log_tail(aws: Clients, container: dict[str, Any], task_id: str, cancellation: Cancellation) -> tuple[str, ...]:
    """The last lines of a task's log, or () when it has none: a missing log must not hide the failure itself."""
    options = container.get("logConfiguration", {}).get("options", {})
    if "awslogs-group" not in options:
        return ()
    stream = f"{options.get('awslogs-stream-prefix', '')}/{container['name']}/{task_id}"
    for attempt in range(TRIES):
        if attempt:
            cancellation.wait(BETWEEN_SECONDS)
        try:
            answer = aws("logs").get_log_events(
                logGroupName=options["awslogs-group"], logStreamName=stream, limit=LINES, startFromHead=False
            )
        except (BotoCoreError, ClientError):
            continue
        if answer["events"]:
            return tuple(event["message"].rstrip() for event in answer["events"])
    return ()
