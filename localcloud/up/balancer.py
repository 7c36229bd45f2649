"""Let HAProxy listen on ports 80 and 443 of loopback addresses when this is not run by root."""

import os
import shutil

from localcloud.up.job import Job, StepFailed, as_root
from localcloud.up.packages import SYSTEM_PATH
from localcloud.up.paths import BIN

PROGRAM = BIN / "haproxy"
CAPABILITY = "cap_net_bind_service=+ep"


def ready() -> bool:
    """Whether the balancer may listen: root always may, others need a copy of it that has the right."""
    return os.geteuid() == 0 or PROGRAM.exists()


def allow(job: Job) -> None:
    """Make a copy of HAProxy with the one right it needs; the machine's own stays as it is."""
    BIN.mkdir(parents=True, exist_ok=True)
    original = shutil.which("haproxy", path=SYSTEM_PATH)
    if original is None:
        raise StepFailed("haproxy is not installed")
    fresh = BIN / ".haproxy.new"
    shutil.copy(original, fresh)
    job.say("letting a copy of HAProxy listen on port 80")
    setcap = shutil.which("setcap", path=SYSTEM_PATH) or "setcap"
    job.run(*as_root(setcap, CAPABILITY, fresh), failure="HAProxy cannot get the right to listen on port 80")
    fresh.replace(PROGRAM)
