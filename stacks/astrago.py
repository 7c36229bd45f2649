"""Astrago: components whose tags lie in a git repository and whose release Argo CD carries out."""

import pulumi

from components.release.gitops import Component, GitOpsRelease, GitOpsReleaseArgs
from stacks.astrago_settings import SOURCES, AstragoSettings
from stacks.last_release import last_released_tags

SYSTEM = "astrago"
SCHEMA = "stacks/astrago.values.schema.json"


def declare(settings: AstragoSettings) -> None:
    """The tags of one environment; before the first tag is named there is nothing to declare."""
    tags = {**last_released_tags(), **settings.tags}
    if not tags:
        return
    release = GitOpsRelease(SYSTEM, _release(settings, tags))
    pulumi.export("tags", release.tags)
    pulumi.export("release", release.proof)


def _release(settings: AstragoSettings, tags: dict[str, str]) -> GitOpsReleaseArgs:
    argocd = settings.argocd
    return GitOpsReleaseArgs(
        components={name: _component(settings, name, tag) for name, tag in tags.items()},
        repository=f"{settings.owner}/{settings.repository}",
        branch=settings.branch,
        files=settings.files,
        key=settings.key,
        way=settings.way,
        argocd=argocd.server if argocd else None,
        applications=argocd.applications if argocd else (),
        timeout_seconds=argocd.timeout_seconds if argocd else 600,
        schema=SCHEMA if settings.validate_schema else None,
        charts=settings.charts,
    )


def _component(settings: AstragoSettings, name: str, tag: str) -> Component:
    source = f"{settings.owner}/{SOURCES[name]}"
    return Component(tag=tag, image=f"{settings.registry}/{source}", source=source)
