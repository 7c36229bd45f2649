"""The application images that this repository builds: one row per system that has one."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Image:
    """What `docker build` is told."""

    context: str  # directory, relative to the checkout
    platform: str = "linux/amd64"
    tests: tuple[str, ...] = ()  # run in the context, with its requirements.txt; none: nothing is tested


IMAGES = {
    "liveinsight": Image(context="src"),
    "teammoa": Image(context="teammoa", tests=("python", "manage.py", "test")),
}


def image_of(system: str, root: Path) -> Image | None:
    """The system's image; None when the checkout holds no application to build it from."""
    image = IMAGES.get(system)
    return image if image and (root / image.context / "Dockerfile").is_file() else None
