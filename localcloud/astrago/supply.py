"""`python -m localcloud.astrago.supply STACK`: build each component once per commit and push it, as its workflow does.

The image of the newest build lies ready as well, for a release of one's own.
"""

import base64
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from localcloud.astrago import world
from localcloud.up.paths import LOCAL

BUILDS = (0, 1)  # the first is in the stack's file, the other is the next release
DOCKERFILE = "FROM scratch\nARG COMMIT\nLABEL org.opencontainers.image.revision=$COMMIT\nCOPY NAME /NAME\n"


def supply() -> None:
    """Images that are pushed already are in Docker's cache: nothing is built again."""
    _, applications = world.create(LOCAL / "astrago")
    registry = f"127.0.0.1:{world.PORTS[2]}"
    with tempfile.TemporaryDirectory() as home:
        _login(Path(home), registry)
        for component, source in world.SOURCES.items():
            git = applications[source]
            commits = git.history(world.APPLICATION_BRANCH)[::-1]
            for build in BUILDS:
                _build(Path(home), f"{registry}/{source}:{component}-stage-{commits[build][:8]}", commits[build])


def _login(home: Path, registry: str) -> None:
    secret = base64.b64encode(f"{world.USER}:{os.environ['REGISTRY_PASSWORD']}".encode()).decode()
    file = home / "config.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps({"auths": {registry: {"auth": secret}}}))


def _build(home: Path, image: str, commit: str) -> None:
    context = home / "context"
    context.mkdir(exist_ok=True)
    (context / "NAME").write_text(image)
    (context / "Dockerfile").write_text(DOCKERFILE)
    environment = {**os.environ, "DOCKER_CONFIG": str(home), "DOCKER_BUILDKIT": "0"}
    for words in (
        ["build", "--quiet", "--build-arg", f"COMMIT={commit}", "--tag", image, str(context)],
        ["push", image],
    ):
        subprocess.run(["docker", *words], env=environment, check=True, stdout=2)


if __name__ == "__main__":
    try:
        supply()
    except subprocess.CalledProcessError as error:
        sys.exit(f"docker {error.cmd[1]} failed")
