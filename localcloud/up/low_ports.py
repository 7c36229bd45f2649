"""Let the OpenStack cloud listen on port 22 of loopback addresses when this is not run by root."""

import os
import shutil

from localcloud.daemon import LOW_PORTS
from localcloud.up.job import Job, as_root
from localcloud.up.packages import SYSTEM_PATH
from localcloud.up.paths import PYTHON

PROGRAM = PYTHON.with_name(LOW_PORTS)
CAPABILITY = "cap_net_bind_service+ep"


def ready() -> bool:
    """Whether it may listen: root always may, others need a copy of Python that has the right."""
    return os.geteuid() == 0 or PROGRAM.exists()


def allow(job: Job) -> None:
    """Make a copy of the virtual environment's Python with the one right it needs."""
    fresh = PROGRAM.with_name(f".{LOW_PORTS}.new")
    shutil.copy(PYTHON.resolve(), fresh)
    job.say("letting a copy of Python listen on port 22")
    setcap = shutil.which("setcap", path=SYSTEM_PATH) or "setcap"
    job.run(*as_root(setcap, CAPABILITY, fresh), failure="Python cannot get the right to listen on port 22")
    fresh.replace(PROGRAM)
