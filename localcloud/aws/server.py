"""One process: MiniStack's application with its weak parts replaced, served on loopback until SIGTERM."""

import asyncio
import os
import resource
import signal
import socket
from pathlib import Path
from typing import Any

from localcloud.aws import routes
from localcloud.aws.containers import remove_all
from localcloud.aws.home import REGION, CloudError, Home, Identity
from localcloud.aws.listener import Listener
from localcloud.daemon import end

REFUSED_PATHS = ("/_ministack/reset", "/_ministack/config")  # they would change the cloud without credentials


def serve(root: Path, port: int) -> None:
    """Serve the cloud of this home in the foreground. Raises CloudError when something it needs is missing."""
    home = Home(root)
    home.create()
    identity = home.identity()
    _set_environment(identity, port)
    if home.running("server") is None:
        home.record("server", os.getpid(), port)
    _remove_leftovers(home, identity)
    _raise_file_limit()

    from localcloud.aws.patches import install  # MiniStack reads the environment when it is imported

    parts = install(home, identity, port, application)
    try:
        asyncio.run(_serve(port, parts.listener))
    finally:
        parts.close()  # or they would start anew what is removed here
        remove_all(identity.cloud_id)


def _remove_leftovers(home: Home, identity: Identity) -> None:
    """What a killed server could not end itself."""
    balancer = home.running("haproxy")
    if balancer is not None:
        end(balancer)
    remove_all(identity.cloud_id)


def _set_environment(identity: Identity, port: int) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]  # the caller's credentials are no business of the cloud
    os.environ.update(
        AUTH="true",
        GATEWAY_PORT=str(port),
        MINISTACK_REGION=REGION,
        LOCALCLOUD_ID=identity.cloud_id,
        LOG_LEVEL=os.environ.get("LOCALCLOUD_LOG_LEVEL", "WARNING"),
        SFTP_ENABLED="0",
        IOT_MTLS_ENABLED="0",
        PERSIST_STATE="0",
    )


def _raise_file_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _serve(port: int, listener: Listener) -> None:
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"127.0.0.1:{port}", *([f"[::1]:{port}"] if _has_ipv6(port) else [])]
    config.loglevel = "WARNING"
    config.keep_alive_timeout = 75
    config.graceful_timeout = 3
    ended = asyncio.Event()
    listener.attach(ended)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    try:
        await hypercorn_serve(application, config, shutdown_trigger=ended.wait)
    except OSError as error:
        raise CloudError(f"Port {port} on 127.0.0.1 cannot be opened: {error.strerror}.") from error


def _has_ipv6(port: int) -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("::1", port))
    except OSError:
        return False
    return True


async def application(scope: Any, receive: Any, send: Any) -> None:
    """MiniStack's application without its unauthenticated administration."""
    from ministack.app import app

    if scope["type"] == "http" and scope["path"].startswith(REFUSED_PATHS):
        await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
        await send(
            {"type": "http.response.body", "body": b"The local cloud is administered by its own command only.\n"}
        )
        return
    if scope["type"] == "http" and scope["path"].startswith(routes.PREFIX):
        await routes.answer(scope, receive, send)
        return
    await app(scope, receive, send)
