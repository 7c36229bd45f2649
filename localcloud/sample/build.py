"""Build one version of the sample service and push it; `python -m localcloud.sample.build --help` tells how."""

import sys
from pathlib import Path

from localcloud.application import Application
from localcloud.sample.app import MODES

SOURCE = Path(__file__).resolve().parent
SAMPLE = Application(
    name="sample",
    files={name: SOURCE / name for name in ("Dockerfile", "app.py", "healthcheck.py")},
    requirements=SOURCE / "requirements.txt",
    packages="lib",
    fetch=("install", "--no-compile", "--no-deps", "--only-binary", ":all:", "--target"),
    modes=MODES,
)

if __name__ == "__main__":
    sys.exit(SAMPLE.command(None, "localcloud.sample.build"))
