"""Begin a run: what earlier ones left is removed, what this one needs is there, and its name and keys are made.

Nothing is made in the cloud here, so that the name is known before anything carries it.
"""

import os
import sys
import time
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from actions import runner_address, running
from actions.clock import Clock
from actions.environment import text
from actions.openstack import credentials, preflight, run_names
from actions.openstack.client import OpenStack
from actions.openstack.inventory import Inventory
from actions.openstack.removal import sweep
from actions.progress import Progress


def begin(environment: Mapping[str, str], clock: Clock, progress: Progress) -> dict[str, Any]:
    """Name, time, keys and the runner's address; raises `ReleaseError` before anything is made."""
    began = time.time()
    kind = text("KIND", environment)
    cloud = OpenStack(credentials.from_environment(environment))
    network, pool = preflight.Preflight(cloud, preflight.wanted(environment), environment).run(clock, progress)
    hours = float(environment["SWEEP_HOURS"])

    def old(name: str) -> bool:
        age = run_names.age(name, kind, began)
        return age is not None and age > hours * 3600

    sweep(Inventory(cloud, clock), old, clock, progress, float(environment["CLEANUP_SECONDS"]))
    login, login_public = key()
    host, host_public = key()
    run = run_names.fresh(kind, text("RECIPE", environment))
    progress.say(f"this run is {run}")
    return {
        "run": run,
        "began": began,
        "cidr": runner_address.cidr(environment),
        "login_key": login,
        "login_public": login_public,
        "host_key": host,
        "host_public": host_public,
        "network_id": network,
        "pool": pool,
        "steps": [{"name": "run", "began": began, "ended": time.time(), "after": []}],
    }


def key() -> tuple[str, str]:
    """A fresh ed25519 key: the private half as OpenSSH writes it, and the public half as one line."""
    private = Ed25519PrivateKey.generate()
    none = serialization.NoEncryption()
    pem = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, none)
    public = private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return pem.decode(), public.decode()


if __name__ == "__main__":
    sys.exit(running.run(lambda clock, progress: begin(os.environ, clock, progress)))
