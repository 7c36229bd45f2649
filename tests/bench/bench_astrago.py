"""Speed of Astrago as calls and ratios: a bump is three API calls, a preview little more than an empty program's."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.astrago import world
from localcloud.astrago.world import Astrago
from tests.bench.ratios import report_preview, seconds
from tests.cloud.astrago.conftest import STACK
from tests.cloud.project import Project


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Astrago]:
    with world.serve(tmp_path_factory.mktemp("services"), world.Keys.fresh()) as running:
        for component in world.SOURCES:
            for build in range(world.BUILDS):
                running.push(component, build)
        yield running


@pytest.fixture(scope="module")
def project(services: Astrago, tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("astrago"), services.variables(), STACK)
    made.pulumi("stack", "select", "--create", STACK)
    made.set("registry", services.registry.host)
    made.set("argocd.server", services.argocd.url)
    made.up()
    return made


def test_a_bump_is_three_calls(project: Project, services: Astrago) -> None:
    for component in world.SOURCES:
        project.set(f"tags.{component}", services.tag(component, 1))
    spent = seconds(project.up)
    proof = project.output("release")
    print(f"\nrelease of four components: {proof['calls']} API calls, {spent:.1f} s, steps {proof['seconds']}")
    assert proof["calls"] <= 3


def test_preview_of_an_unchanged_stack(project: Project, tmp_path: Path) -> None:
    report_preview(project, tmp_path)
