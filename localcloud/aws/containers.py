"""The containers of a cloud, found by their label."""

import shutil
import subprocess

from localcloud.aws.home import CLOUD_LABEL


def remove_containers(cloud_id: str) -> int:
    """Remove every container of this cloud with its anonymous volumes; return how many there were."""
    docker = shutil.which("docker")
    if docker is None:
        return 0
    listed = subprocess.run(
        [docker, "ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={CLOUD_LABEL}={cloud_id}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    found = listed.stdout.split()
    if found:
        subprocess.run([docker, "rm", "--force", "--volumes", *found], capture_output=True, check=False, timeout=120)
    return len(found)
