"""Images made of a bootstrapped Debian and a directory of files, with the recipe written on them."""

import hashlib
import os
from pathlib import Path

from localcloud.up import docker
from localcloud.up.job import Job


def recipe_of_files(directory: Path, *more: str) -> str:
    """Changes with every file and with what else decides the content."""
    found = hashlib.sha256(" ".join(more).encode())
    for file in sorted(path for path in directory.rglob("*") if path.is_file()):
        found.update(f"{file.relative_to(directory)} {os.access(file, os.X_OK)}\n".encode() + file.read_bytes())
    return found.hexdigest()[:12]


def assemble(job: Job, image: str, recipe: str, context: Path) -> None:
    """Have the engine build the directory; StepFailed when it cannot."""
    job.run(
        *("docker", "build", "--quiet", "--label", f"infra-release.recipe={recipe}", "--tag", image, context),
        # The builder inside the engine: it needs no plugin and looks for the base among the local images.
        env={**docker.environment(), "DOCKER_BUILDKIT": "0"},
        failure=f"{image} cannot be built",
    )
