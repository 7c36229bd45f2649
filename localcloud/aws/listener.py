"""The cloud on one more address than loopback: the one under which its machines see it."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from localcloud.aws.home import CloudError

Application = Callable[[Any, Any, Any], Any]
OPEN_SECONDS = 10.0


class Listener:
    """Serves an application on addresses that become known while the cloud runs, in the cloud's own event loop."""

    def __init__(self, application: Application, port: int) -> None:
        self._application = application
        self._port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = asyncio.Event()
        self._servers: set[asyncio.Task[None]] = set()

    def attach(self, ended: asyncio.Event) -> None:
        """Say which event ends the serving; to be called in the loop that serves."""
        self._loop, self._ended = asyncio.get_running_loop(), ended

    def open(self, address: str) -> None:
        """Answer on the address from now on; from any other thread. CloudError when it cannot be opened."""
        if self._loop is None:
            raise CloudError("The local cloud does not serve yet.")
        try:
            listening = socket.create_server((address, self._port), backlog=1024)
        except OSError as error:
            raise CloudError(f"Port {self._port} on {address} cannot be opened: {error.strerror}.") from error
        asyncio.run_coroutine_threadsafe(self._start(listening), self._loop).result(OPEN_SECONDS)

    async def _start(self, listening: socket.socket) -> None:
        server = asyncio.create_task(self._serve(listening))
        self._servers.add(server)
        server.add_done_callback(self._servers.discard)

    async def _serve(self, listening: socket.socket) -> None:
        from hypercorn.asyncio import serve
        from hypercorn.config import Config

        config = Config()
        config.bind = [f"fd://{listening.detach()}"]
        config.loglevel = "WARNING"
        config.graceful_timeout = 3
        await serve(self._application, config, shutdown_trigger=self._ended.wait)


async def lifespan(receive: Any, send: Any) -> None:
    """The beginning and end of an application that has nothing to set up."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
