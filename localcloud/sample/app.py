"""The sample service: `/`, `/health/`, `/slow`, `/env-names`, and ways to be bad, chosen by MODE."""

import asyncio
import json
import os
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MODES = ("good", "crash", "exit-20", "health-500", "health-lies", "never-listens", "oom")
LONGEST_SLOW = 300.0  # seconds; more than any deregistration delay in use
STEP_BYTES = 16 * 1024 * 1024
NO_LIMIT_BYTES = 4 * 1024**3  # by then a container with a limit is dead; one without must not take the machine along


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the image and the task definition decide."""

    version: str
    mode: str
    greeting: str
    start_seconds: float
    port: int

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> "Settings":
        """Read the environment; ValueError says what is missing or unknown."""
        if not variables.get("SECRET_KEY"):
            raise ValueError("SECRET_KEY is not set")
        mode = variables.get("MODE", "good")
        if mode not in MODES:
            raise ValueError(f"MODE is {mode!r}, not one of {', '.join(MODES)}")
        return cls(
            version=variables.get("VERSION", "dev"),
            mode=mode,
            greeting=variables.get("GREETING", ""),
            start_seconds=float(variables.get("START_SECONDS", "2")),
            port=int(variables.get("PORT", "8000")),
        )


class App:
    """The ASGI application of one settings object."""

    def __init__(self, settings: Settings, misbehave: Callable[[Settings], Coroutine[Any, Any, None]]) -> None:
        self.settings = settings
        self._misbehave = misbehave
        self._trouble: asyncio.Task[None] | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while (message := await receive())["type"] != "lifespan.shutdown":
            if message["type"] == "lifespan.startup":
                await asyncio.sleep(self.settings.start_seconds)  # loading models, warming caches
                self._trouble = asyncio.create_task(self._misbehave(self.settings))
                say(f"version {self.settings.version} serves")
                await send({"type": "lifespan.startup.complete"})
        say(f"version {self.settings.version} ends")
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Message, send: Send) -> None:
        status, body = await self._respond(scope["path"], parse_qs(scope["query_string"].decode()))
        if self._lies(scope):
            status, body = 500, self._card("only health checks are well served")
        payload = json.dumps(body).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(payload)).encode()),
            (b"x-version", self.settings.version.encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else payload})

    async def _respond(self, path: str, query: dict[str, list[str]]) -> tuple[int, Message]:
        match path:
            case "/":
                return 200, self._card("ok")
            case "/health/":
                bad = self.settings.mode == "health-500"
                return (500, self._card("the database does not answer")) if bad else (200, self._card("ok"))
            case "/slow":
                return await self._slow(query.get("seconds", ["1"])[0])
            case "/env-names":
                return 200, {"names": sorted(os.environ)}
            case _:
                return 404, self._card("no such page")

    def _lies(self, scope: Message) -> bool:
        """Healthy for every checker, not for a user, whose requests alone come through the balancer."""
        by_user = any(name == b"x-forwarded-for" for name, _ in scope["headers"])
        return self.settings.mode == "health-lies" and scope["path"] == "/health/" and by_user

    async def _slow(self, text: str) -> tuple[int, Message]:
        try:
            seconds = float(text)
        except ValueError:
            return 400, self._card("seconds is not a number")
        if not 0 <= seconds <= LONGEST_SLOW:
            return 400, self._card(f"seconds is not between 0 and {LONGEST_SLOW:.0f}")
        await asyncio.sleep(seconds)
        return 200, self._card("ok")

    def _card(self, status: str) -> Message:
        return {
            "status": status,
            "version": self.settings.version,
            "instance": socket.gethostname(),
            "greeting": self.settings.greeting,
        }


async def misbehave(settings: Settings) -> None:
    """Go wrong after a good start, the way MODE says."""
    if settings.mode == "exit-20":
        await asyncio.sleep(max(0.0, 20 - settings.start_seconds))  # 20 s after its start, not after it is ready
        say("fatal: lost the connection to the queue")
        os._exit(1)
    if settings.mode == "oom":
        hoard: list[bytes] = []
        while len(hoard) * STEP_BYTES < NO_LIMIT_BYTES:
            hoard.append(b"\1" * STEP_BYTES)  # written to, so that it is real memory
            await asyncio.sleep(0.02)
        say("fatal: no memory limit ended this process")
        os._exit(1)


def say(text: str) -> None:
    """One line in the container's log."""
    print(f"sample: {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Serve until SIGTERM; 1 when the start fails."""
    try:
        settings = Settings.read(os.environ)
    except ValueError as error:
        say(f"cannot start: {error}")
        return 1
    if settings.mode == "crash":
        say("cannot start: migration 0042 is not applied")
        return 1
    if settings.mode == "never-listens":
        say("waiting for a lock that nobody gives back")
        while True:
            time.sleep(3600)
    import uvicorn  # in the image only

    # Idle connections live longer than the balancer's own 60 s, or it would now and then use one that just closed.
    uvicorn.run(
        App(settings, misbehave),
        host="0.0.0.0",  # noqa: S104 - a container's own address
        port=settings.port,
        access_log=False,
        timeout_keep_alive=75,
        log_level="warning",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
