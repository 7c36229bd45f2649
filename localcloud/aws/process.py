"""Start and stop a local AWS in the background. Both may be called at any time, any number of times."""

from pathlib import Path

from localcloud.aws.authority import Authority
from localcloud.aws.containers import remove_all
from localcloud.aws.home import Home, Running, environment
from localcloud.daemon import Daemon, end

DAEMON = Daemon(name="local cloud", module="localcloud.aws", health="/_ministack/health")


def start(home: Path, port: int = 4566) -> dict[str, str]:
    """Have a cloud answering on `port` and return the variables to export.

    Raises CloudError when the port is taken, the cloud of this home has another port, or the server does not come up.
    """
    place = Home(home)
    with place.lock():
        DAEMON.start(place, port)
        found = environment(place.identity(), port, Authority(place.authority).bundle())
        return {**found, "LOCALCLOUD_GIT": str(place.repositories)}  # where builds take their sources from


def stop(home: Path) -> None:
    """End the processes and containers of this home's cloud, and nothing else; its identity and log stay."""
    place = Home(home)
    if not place.known():
        return
    with place.lock():
        for name in ("server", "haproxy"):
            process = place.running(name)
            if process is not None:
                end(process)
            place.forget(name)
        remove_all(place.identity().cloud_id)


def status(home: Path) -> Running | None:
    """The running server, or None."""
    return Home(home).running("server")
