"""The virtual environment in `.local/venv`: exactly the pinned packages."""

import hashlib
import shutil
import sys

from localcloud.up.job import Job
from localcloud.up.paths import PYTHON, ROOT, VENV

FILES = ("requirements.txt", "requirements-dev.txt", "localcloud/teammoa/app/requirements.txt")
STAMP = VENV / "installed"


def fingerprint() -> str:
    """What the environment was made from: this Python and the requirement files."""
    content = b"".join((ROOT / name).read_bytes() for name in FILES)
    return hashlib.sha256(sys.version.encode() + str(VENV).encode() + content).hexdigest()


def ready() -> bool:
    """Whether the environment is there and up to date."""
    return PYTHON.exists() and STAMP.exists() and STAMP.read_text() == fingerprint()


def install(job: Job) -> None:
    """Make the environment and install the packages; the stamp is written last."""
    STAMP.unlink(missing_ok=True)
    if not PYTHON.exists():
        shutil.rmtree(VENV, ignore_errors=True)
        job.say("making the virtual environment")
        job.run(sys.executable, "-m", "venv", str(VENV), failure="the virtual environment cannot be made")
    job.say("installing the pinned packages")
    job.run(
        *(PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--requirement", str(ROOT / FILES[1])),
        failure="pip cannot install the pinned packages",
    )
    STAMP.write_text(fingerprint())
