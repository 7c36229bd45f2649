"""The images of TeamMoa's services, made from Debian's packages: nginx, a database, Redis.

`python -m localcloud.up.service_images REGISTRY` pushes them to repositories that it makes where they are missing.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from localcloud.application import BuildFailed, build_image, push, run

SERVICES = Path(__file__).resolve().parents[1] / "teammoa" / "services"
PREFIX = "infra-release"  # of the names in the engine, before there is a registry
# image → the version of what is inside; the database is MariaDB, in the place of MySQL 8
IMAGES: Mapping[str, str] = {"teammoa-nginx": "1.22", "teammoa-database": "10.11", "teammoa-redis": "7.0"}


def build(name: str) -> str:
    """Build one image and return its name in the engine; the layers of an earlier build are used again."""
    image = f"{PREFIX}/{name}:{IMAGES[name]}"
    # Debian's packages come by the host's own network: the engine's may lead nowhere.
    build_image(SERVICES / name.removeprefix("teammoa-"), image, "--network", "host")
    return image


def publish(registry: str) -> list[str]:
    """Build all and push them to `registry/<name>:<version>`; the names in the registry."""
    published = []
    for name, version in IMAGES.items():
        image = f"{registry}/{name}:{version}"
        run("docker", "tag", build(name), image)
        published.append(image)
    push(*published)
    return published


def main(arguments: Sequence[str]) -> int:
    """The command line; 1 and one sentence when Docker or the registry refuses."""
    (registry,) = arguments
    try:
        print("\n".join(publish(registry)))
    except BuildFailed as error:
        print(f"service images: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
