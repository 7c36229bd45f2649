"""The proof of the release that was verified last: what a rollback returns to.

Written by the release action itself, after its verification and under its lock.
"""

import json
from typing import Any

from actions.clients import Clients
from actions.errors import Cancelled

NOT_OVERTAKEN = "attribute_not_exists(id) OR #n <= :n"


class Records:
    """The releases table of one service."""

    def __init__(self, aws: Clients, table: str) -> None:
        self._db = aws("dynamodb")
        self._table = table

    def verified(self) -> dict[str, Any] | None:
        """The proof of the last verified release, or None before the first."""
        answer = self._db.get_item(TableName=self._table, Key={"id": {"S": "verified"}}, ConsistentRead=True)
        item = answer.get("Item")
        return json.loads(item["proof"]["S"]) if item else None

    def record_verified(self, proof: dict[str, Any], number: int) -> None:
        """Raises `Cancelled` when a later run has recorded a release of its own."""
        try:
            self._db.put_item(
                TableName=self._table,
                Item={"id": {"S": "verified"}, "number": {"N": str(number)}, "proof": {"S": json.dumps(proof)}},
                ConditionExpression=NOT_OVERTAKEN,
                ExpressionAttributeNames={"#n": "number"},
                ExpressionAttributeValues={":n": {"N": str(number)}},
            )
        except self._db.exceptions.ConditionalCheckFailedException as error:
            raise Cancelled("a later release was verified while this one ran") from error
