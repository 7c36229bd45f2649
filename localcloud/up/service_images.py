"""The images of TeamMoa's services, made from Debian's packages: nginx, a database, Redis."""

from collections.abc import Mapping
from pathlib import Path

from localcloud.application import build_image

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
