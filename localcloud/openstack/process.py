"""Start and stop a local OpenStack in the background. Both may be called at any time, any number of times."""

import os
import signal
import threading
from contextlib import ExitStack
from pathlib import Path

from localcloud.aws.home import CloudError, Home, Running
from localcloud.daemon import Daemon, end
from localcloud.openstack import life, seeds
from localcloud.openstack.cloud import Cloud
from localcloud.openstack.computers import Computers
from localcloud.openstack.identity import REGION
from localcloud.openstack.server import Front, Watch
from localcloud.openstack.time_server import TimeServer
from localcloud.openstack.world import PROJECT, USER
from localcloud.web import LoopbackServer

DAEMON = Daemon(name="OpenStack cloud", module="localcloud.openstack", health="/health", low_ports=True)


def mirror(home: Home) -> Path:
    """What the cloud's mirror serves: the directory beside its home."""
    return home.root.parent / "mirror"


def variables(password: str, port: int) -> dict[str, str]:
    """What OpenStack's tools look at, and where the mirror is."""
    address = f"http://127.0.0.1:{port}"
    return {
        "OS_AUTH_URL": f"{address}/identity/v2.0",
        "OS_USERNAME": USER,
        "OS_PASSWORD": password,
        "OS_TENANT_ID": PROJECT,
        "OS_REGION_NAME": REGION,
        "LOCALCLOUD_OPENSTACK": address,
        "LOCALCLOUD_MIRROR": f"{address}/mirror",
    }


def start(home: Path, port: int) -> dict[str, str]:
    """Have a cloud answering on `port` and return the variables to export.

    Raises CloudError when the port is taken, the cloud of this home has another port, or the server does not come up.
    """
    place = Home(home)
    with place.lock():
        DAEMON.start(place, port)
        return variables(place.identity().secret_access_key, port)


def stop(home: Path) -> None:
    """End the server and the containers, disks and network of this home's cloud, and nothing else."""
    place = Home(home)
    if not place.known():
        return
    with place.lock():
        process = place.running("server")
        if process is not None:
            end(process)
        place.forget("server")
        _file(place).unlink(missing_ok=True)
        Computers(place.root, place.identity().cloud_id, process.port if process else 0).remove_all()


def status(home: Path) -> Running | None:
    """The running server, or None."""
    return Home(home).running("server")


def serve(root: Path, port: int) -> None:
    """Serve the cloud of this home in the foreground until SIGTERM; servers go on, as they do without their cloud."""
    home = Home(root)
    home.create()
    identity = home.identity()
    if home.running("server") is None:
        home.record("server", os.getpid(), port)
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    computers = Computers(home.root, identity.cloud_id, port)
    computers.prepare()
    cloud = Cloud(port=port, password=identity.secret_access_key, computers=computers, file=_file(home))
    seeds.plant(cloud)
    life.resume(cloud)
    front = Front(cloud, mirror(home))
    with ExitStack() as stack:
        try:
            stack.enter_context(TimeServer(computers.gateway, port))
            stack.enter_context(LoopbackServer(front.handle, port, computers.gateway))
        except OSError as error:
            raise CloudError(f"The servers' gateway {computers.gateway} cannot be used: {error}") from error
        stack.enter_context(Watch(cloud))
        stack.enter_context(LoopbackServer(front.handle, port))
        done.wait()
        cloud.close()


def _file(home: Home) -> Path:
    return home.root / "world.json"
