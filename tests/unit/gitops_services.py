"""A release by commit against the services of Astrago, all in this process and quick."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from actions import release_gitops
from actions.gitops import argocd, bump, request
from actions.lifeline import Cancellation
from actions.progress import Progress
from localcloud.astrago import world
from localcloud.astrago.world import Astrago

FILE = world.VALUES.format(customer="xiilab")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repositories as they are at first; each test has a copy of its own."""
    home = tmp_path_factory.mktemp("made")
    world.create(home)
    return home


@pytest.fixture
def services(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Astrago]:
    monkeypatch.setattr(argocd, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(bump, "JITTER_SECONDS", (0.0, 0.01))
    shutil.copytree(made, tmp_path / "services")
    with world.serve(tmp_path / "services", world.Keys.fresh()) as running:
        for application in running.argo.applications.values():
            application.sync_seconds = application.progress_seconds = 0.05
        yield running


def environment(services: Astrago, tags: dict[str, str], **changed: str) -> dict[str, str]:
    """What the component hands to the action."""
    images = {name: f"{services.registry.host}/{source}" for name, source in world.SOURCES.items()}
    return {
        **services.variables(),
        "TAGS": json.dumps(tags),
        "IMAGES": json.dumps(images),
        "SOURCES": json.dumps(world.SOURCES),
        "REPOSITORY": world.DEPLOYMENT,
        "BRANCH": world.BRANCH,
        "FILES": FILE,
        "KEY": "astrago.{component}.imageTag",
        "WAY": "commit",
        "ARGOCD": services.argocd.url,
        "APPLICATIONS": "astrago-xiilab",
        "TIMEOUT_SECONDS": "3",
        "SCHEMA": "stacks/astrago.values.schema.json",
        **changed,
    }


def release(services: Astrago, tags: dict[str, str], **changed: str) -> release_gitops.GitOpsRelease:
    asked = request.from_environment(environment(services, tags, **changed))
    return release_gitops.GitOpsRelease(asked, Cancellation(), Progress())


def run(services: Astrago, tags: dict[str, str], **changed: str) -> dict[str, Any]:
    return release(services, tags, **changed).run()


def commits(services: Astrago, branch: str = world.BRANCH) -> list[str]:
    return services.deployment.history(branch)


def tag_of(services: Astrago, component: str, customer: str = "xiilab") -> str:
    return str(yaml.safe_load(services.values(customer))["astrago"][component]["imageTag"])
