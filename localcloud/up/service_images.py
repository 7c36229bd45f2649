"""The images of TeamMoa's services, made from Debian's packages: nginx, a database, Redis, certbot.

`python -m localcloud.up.service_images STACK`, run by the virtual environment's Python, puts those that the stack's
file names into the cloud's registry.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.application import BuildFailed, build_image, push, run
from localcloud.up import inside

SERVICES = Path(__file__).resolve().parents[1] / "teammoa" / "services"
PREFIX = "infra-release"  # of the names in the engine, before there is a registry
# image → the version of what is inside; the database is MariaDB, in the place of MySQL 8
IMAGES: Mapping[str, str] = {
    "teammoa-nginx": "1.22",
    "teammoa-database": "10.11",
    "teammoa-redis": "7.0",
    "teammoa-certbot": "2.1",
}


def build(name: str) -> str:
    """Build one image and return its name in the engine; the layers of an earlier build are used again."""
    image = f"{PREFIX}/{name}:{IMAGES[name]}"
    # Debian's packages come by the host's own network: the engine's may lead nowhere.
    build_image(SERVICES / name.removeprefix("teammoa-"), image, "--network", "host")
    return image


def publish(stack: str) -> None:
    """Each image in a repository of its own, made where it is missing; what is there is not built again."""
    missing = {}
    named = json.dumps(inside.stack_settings(stack))
    for name, version in IMAGES.items():
        if f"registry/{name}:" not in named:
            continue
        uri, tags = inside.repository(name)
        if uri is None:
            uri = inside.client("ecr").create_repository(repositoryName=name)["repository"]["repositoryUri"]
        if version not in tags:
            missing[name] = f"{uri}:{version}"
    for name, image in missing.items():
        run("docker", "tag", build(name), image)
    if missing:
        push(*missing.values())


if __name__ == "__main__":
    try:
        publish(sys.argv[1])
    except (FileNotFoundError, BuildFailed, BotoCoreError, ClientError) as error:
        sys.exit(str(error))
