"""The ASGI application: pages by Django, WebSockets by an echo."""

import json
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import django
from django.core.handlers.asgi import ASGIHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from django.conf import settings  # noqa: E402 - after the set-up

import config.urls  # noqa: E402, F401 - now, not with the first request

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Pages(ASGIHandler):
    """Django with one thread for what blocks, so that one connection to the database serves every request.

    Django itself gives each request a thread of its own, and a connection that stays open would stay with that thread.
    """

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        await self.handle(scope, receive, send)


async def echo(scope: Message, receive: Receive, send: Send) -> None:
    """Answer each text with the version, the host and the text."""
    await receive()  # the connection itself
    if scope["path"] != "/ws/echo/":
        await send({"type": "websocket.close"})
        return
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        text = message.get("text") or ""
        card = {"version": settings.VERSION, "instance": socket.gethostname(), "echo": text}
        await send({"type": "websocket.send", "text": json.dumps(card)})


pages = Pages()


async def application(scope: Message, receive: Receive, send: Send) -> None:
    """One entrance for both."""
    await (echo if scope["type"] == "websocket" else pages)(scope, receive, send)
