"""Astrago's services in this process, so that tests can break them, and the stack with its first build released."""

from collections.abc import Iterator

import pytest

from localcloud.astrago import world
from localcloud.astrago.world import Astrago
from tests.cloud.project import Project

STACK = "astrago.local"


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Astrago]:
    with world.serve(tmp_path_factory.mktemp("services"), world.Keys.fresh()) as running:
        for component in world.SOURCES:
            for build in range(world.BUILDS):
                running.push(component, build)
        yield running


@pytest.fixture(scope="session")
def astrago(services: Astrago, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """`astrago.local` with the tags of its file released."""
    project = Project(tmp_path_factory.mktemp("astrago"), services.variables(), STACK)
    project.pulumi("stack", "select", "--create", STACK)
    project.set("registry", services.registry.host)
    project.set("argocd.server", services.argocd.url)
    project.up()
    yield project


@pytest.fixture
def released(astrago: Project, services: Astrago) -> Project:
    """The stack at rest, whatever the test before did."""
    services.argo.bad.clear()
    services.argo.down = services.images.down = False
    services.world.faults.clear()
    services.world.lost.clear()
    if astrago.pulumi("up", "--yes", "--refresh", "--skip-preview", check=False).returncode:
        raise AssertionError("the stack does not come to rest")
    return astrago
