"""Paths that the local cloud answers itself, without credentials: `/_localcloud/…`."""

from collections.abc import Callable, Mapping
from typing import Any

PREFIX = "/_localcloud/"
Handler = Callable[[bytes, Mapping[str, str]], tuple[int, str]]  # body and headers (lower case) → status and text
ROUTES: dict[str, Handler] = {}


async def answer(scope: Any, receive: Any, send: Any) -> None:
    """Call the handler of the path; 404 where there is none."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    handler = ROUTES.get(scope["path"])
    headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
    status, text = handler(body, headers) if handler else (404, "the local cloud has no such path")
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": f"{text}\n".encode()})
