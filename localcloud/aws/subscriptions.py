"""SNS tells the ARN of a subscription that still waits for its confirmation, to whoever asks for it.

MiniStack knows no `ReturnSubscriptionArn`: it answers "pending confirmation", by which nobody finds it again.
"""

from collections.abc import Callable
from typing import Any

from ministack.services import sns

PENDING = b"<SubscriptionArn>pending confirmation</SubscriptionArn>"
Handler = Callable[[Any], tuple[int, Any, bytes]]


def subscribe(original: Handler) -> Handler:
    """`Subscribe`, with the ARN where it is asked for."""

    def subscribe(params: Any) -> tuple[int, Any, bytes]:
        status, headers, body = original(params)
        if PENDING in body and sns._p(params, "ReturnSubscriptionArn").lower() == "true":
            asked = {key.lower(): sns._p(params, key) for key in ("Protocol", "Endpoint")}
            topic, _ = sns._get_topic(sns._p(params, "TopicArn"))
            made = next(one for one in topic["subscriptions"] if asked.items() <= one.items())
            body = body.replace(PENDING, f"<SubscriptionArn>{made['arn']}</SubscriptionArn>".encode())
        return status, headers, body

    return subscribe


def install() -> None:
    """Put it in place."""
    sns._subscribe = subscribe(sns._subscribe)
