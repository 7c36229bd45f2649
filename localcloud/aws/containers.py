"""What a cloud has in the Docker engine, found by its label: containers and the network of its machines."""

import shutil
import subprocess

from localcloud.aws.home import CLOUD_LABEL


def remove_all(cloud_id: str) -> int:
    """Remove every container of this cloud with its anonymous volumes, then its network; how many containers."""
    docker = shutil.which("docker")
    if docker is None:
        return 0
    found = _listed(docker, cloud_id, "ps", "--all")
    if found:
        _run(docker, "rm", "--force", "--volumes", *found)
    networks = _listed(docker, cloud_id, "network", "ls")
    if networks:
        _run(docker, "network", "rm", *networks)
    return len(found)


def _listed(docker: str, cloud_id: str, *words: str) -> list[str]:
    return _run(docker, *words, "--quiet", "--no-trunc", "--filter", f"label={CLOUD_LABEL}={cloud_id}").split()


def _run(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120).stdout
