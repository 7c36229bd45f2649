"""`python3 -m localcloud up|down|status`."""

import argparse
import fcntl
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from localcloud.up import (
    balancer,
    build_image,
    docker,
    environment,
    low_ports,
    machine_image,
    openstack_plugin,
    packages,
    python,
    server_image,
    toolchain,
)
from localcloud.up.base_image import BASE
from localcloud.up.cloud import SERVERS
from localcloud.up.job import StepFailed
from localcloud.up.paths import ENV_FILE, LOCAL, STATE
from localcloud.up.release import Deployment
from localcloud.up.stages import deployment_of
from localcloud.up.steps import Run, Step, select

STACK = "liveinsight.local"
GOALS = {
    "release": ("release", "next image", "after"),
    "test": (
        "environment",
        "cli",
        "language host",
        "plugins",
        "base image",
        "machine image",
        "build image",
        "server image",
        "openstack plugin",
        "balancer",
        "low ports",
        "authority",
        "actionlint",
    ),
    "check": ("python", "actionlint"),
}


def steps(deployment: Deployment, *, with_cloud: bool) -> tuple[Step, ...]:
    """All there is to set up, in an order in which needs come first."""
    servers = [server.name for server in deployment.system.servers] if with_cloud else []
    needs = ("python", "docker", "balancer", "low ports")
    settled = ("python", "docker", "plugins", *servers)
    return (
        Step(name="packages", done=lambda: not packages.missing(), run=packages.install),
        Step(name="docker", needs=("packages",), done=docker.answers, run=docker.start),
        Step(name="python", needs=("packages",), done=python.ready, run=python.install),
        Step(name="base image", needs=("docker",), done=BASE.present, run=BASE.build),
        Step(name="machine base", needs=("docker",), done=machine_image.BASE.present, run=machine_image.BASE.build),
        Step(name="compose", needs=("packages",), done=toolchain.compose_ready, run=toolchain.build_compose),
        Step(
            name="machine image",
            needs=("machine base", "compose", "python"),
            done=machine_image.present,
            run=machine_image.build,
        ),
        Step(name="build base", needs=("docker",), done=build_image.BASE.present, run=build_image.BASE.build),
        Step(
            name="build image",
            needs=("build base", "python"),
            done=build_image.present,
            run=build_image.build,
        ),
        Step(name="server base", needs=("docker",), done=server_image.BASE.present, run=server_image.BASE.build),
        Step(name="server image", needs=("server base",), done=server_image.present, run=server_image.build),
        Step(name="language host", needs=("packages",), done=toolchain.host_ready, run=toolchain.build_host),
        Step(name="cli", needs=("packages",), done=toolchain.cli_ready, run=toolchain.build_cli),
        Step(name="plugins", needs=("cli",), done=toolchain.plugins_ready, run=toolchain.fetch_plugins),
        Step(name="openstack plugin", needs=("cli",), done=openstack_plugin.ready, run=openstack_plugin.fetch),
        Step(name="actionlint", needs=("packages",), done=toolchain.actionlint_ready, run=toolchain.build_actionlint),
        Step(name="authority", needs=("packages",), done=toolchain.pebble_ready, run=toolchain.build_pebble),
        Step(name="balancer", needs=("packages",), done=balancer.ready, run=balancer.allow),
        Step(name="low ports", needs=("python",), done=low_ports.ready, run=low_ports.allow),
        *(
            Step(name=server.name, needs=(*needs, *server.needs), done=server.running, run=server.start)
            for server in SERVERS
        ),
        Step(name="environment", needs=settled, done=deployment.settled, run=deployment.write_environment),
        Step(name="stack", needs=("environment", "cli", "language host"), run=deployment.select),
        Step(
            name="supplies",
            needs=("stack", *deployment.system.needs),
            done=lambda: deployment.system.supplies is None,
            run=deployment.supply,
        ),
        Step(
            name="infrastructure",
            needs=("supplies",),
            done=deployment.repository_exists,
            run=deployment.make_infrastructure,
        ),
        Step(
            name="image",
            needs=("infrastructure",),
            done=deployment.image_exists,
            run=deployment.push_image,
        ),
        Step(name="release", needs=("image",), run=deployment.release),
        Step(
            name="next image",
            needs=("release",),
            done=deployment.next_image_exists,
            run=deployment.push_next_image,
        ),
        Step(
            name="after",
            needs=("release",),
            done=lambda: deployment.system.after is None,
            run=deployment.go_on,
        ),
    )


def up(stack: str, goal: str) -> int:
    """Set up what the goal needs; after a release print where it answers."""
    deployment = deployment_of(stack)
    if goal == "release":
        deployment.check()
    chosen = select(
        steps(deployment, with_cloud=goal == "release" or any(server.running() for server in SERVERS)), GOALS[goal]
    )
    code = Run(chosen).execute()
    if code == 0 and goal == "release":
        print(f"\n{deployment.report()}\n\nnext: {deployment.next_words()}")
    return code


def down() -> int:
    """Stop what was started here and forget what is meaningless without it; tools, packages and images stay."""
    for server in reversed(SERVERS):
        if server.stop():
            print(f"{server.name} stopped")
    if docker.stop():
        print("Docker engine stopped")
    shutil.rmtree(STATE, ignore_errors=True)
    ENV_FILE.unlink(missing_ok=True)
    return 0


def status(stack: str) -> int:
    """One line per step; 0 when everything is there."""
    deployment = deployment_of(stack)
    missing = 0
    for step in steps(deployment, with_cloud=True):
        if step.name in ("stack", "supplies", "infrastructure", "image", "release", "next image", "after"):
            continue  # what the stack holds is `pulumi preview`'s to say
        there = step.done()
        missing += not there
        print(f"{step.name:<16} {'there' if there else 'missing'}")
    return 1 if missing else 0


@contextmanager
def alone() -> Iterator[None]:
    """Only one set-up works on this checkout at a time."""
    LOCAL.mkdir(parents=True, exist_ok=True)
    with (LOCAL / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise StepFailed(f"another set-up is at work here (process {lock.read().strip()})") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; every error is one sentence and exit code 1."""
    parser = argparse.ArgumentParser(prog="python3 -m localcloud", description="The local cloud, from nothing.")
    parser.add_argument("word", choices=("up", "down", "status"))
    parser.add_argument("--stack", default=STACK, help=f"the stack to bring up ({STACK})")
    parser.add_argument("--goal", default="release", choices=sorted(GOALS), help="how far to go (release)")
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a cancelled job ends as cleanly as ^C does
    # Where administration programs lie; an ordinary user's PATH lacks it.
    os.environ["PATH"] += os.pathsep + packages.SYSTEM_PATH
    environment.forget_lost_bundles()
    try:
        match chosen.word:
            case "up":
                with alone():
                    return up(chosen.stack, chosen.goal)
            case "down":
                with alone():
                    return down()
            case _:
                return status(chosen.stack)
    except StepFailed as failure:
        print(f"localcloud: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
