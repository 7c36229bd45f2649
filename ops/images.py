"""The application images that this repository builds: one row per system that has one."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Image:
    """What `docker build` is told."""

    context: str  # directory, relative to the checkout
    platform: str = "linux/amd64"


IMAGES = {
    "liveinsight": Image(context="src"),
}
