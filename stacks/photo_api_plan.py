"""What a bake would make: recipe and commit, and in a preview what of it the cache holds already."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass

import pulumi

from stacks import photo_api_recipe as recipes
from stacks.photo_api_settings import PhotoApiSettings

LOOK_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Known before anything is declared."""

    recipe: str
    commit: str
    requirements: str  # hash of the file; empty for a base image
    base_image: str  # id


def plan(settings: PhotoApiSettings, base_image: str) -> Plan:
    """`ConfigError` when the source is not there."""
    files = {"scripts": recipes.scripts()}
    requirements, commit = "", ""
    if settings.kind == "bake":
        source = recipes.read_source(settings.source, settings.excludes)
        requirements = recipes.file_hash(f"{settings.source}/{settings.requirements}")
        files["source"] = dict(source.files)
        commit = source.commit
    return Plan(
        recipe=recipes.recipe(files, {"requirements": requirements, **_facts(settings, base_image)}),
        commit=commit,
        requirements=requirements,
        base_image=base_image,
    )


def tell(settings: PhotoApiSettings, planned: Plan, found: str | None) -> None:
    """One line in a preview and in an update: what is baked from what, or why nothing is."""
    what = f"recipe {planned.recipe[:8]}" + (f" of commit {planned.commit[:12]}" if planned.commit else "")
    if found:
        pulumi.log.info(f"{what} is image {found}, which is verified: nothing to bake")
    elif pulumi.runtime.is_dry_run():
        pulumi.log.info(f"{what} is not baked yet{_cached(settings)}")


def _facts(settings: PhotoApiSettings, base_image: str) -> dict[str, object]:
    """Settings that change what is in the image; how it is made is not among them."""
    facts: dict[str, object] = {
        "kind": settings.kind,
        "base": base_image,
        "python": settings.python,
        "packages": settings.packages,
        "log_agent": vars(settings.log_agent),
        "node_exporter": vars(settings.node_exporter),
        "disk_format": settings.disk_format,
        "volume": settings.volume_size_gb,
    }
    if settings.kind == "bake":
        facts["application"] = (settings.app, settings.port, settings.health_path)
        facts["platforms"] = settings.platforms
    return facts


def _cached(settings: PhotoApiSettings) -> str:
    """What will be reused, as the cache itself tells; nothing when it does not."""
    from stacks import photo_api_parts as parts  # which needs a plan

    application, python = parts.application(settings), parts.python(settings)
    asked = {
        "CACHE": settings.cache,
        "RUN": "preview",
        **(application.environment() if application else {}),
        **python.environment(),
        **parts.agents(settings).environment(),
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "actions.bake.cached"],
            env={**os.environ, **asked},
            capture_output=True,
            text=True,
            timeout=LOOK_SECONDS,
            check=True,
        )
        there: dict[str, bool] = json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError):
        return ""
    reused = ", ".join(part for part, is_there in there.items() if is_there) or "nothing"
    fresh = ", ".join(part for part, is_there in there.items() if not is_there) or "nothing"
    return f"; from the cache: {reused}; anew: {fresh}"
