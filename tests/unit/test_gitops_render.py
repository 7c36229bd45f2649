"""Charts that are at hand must render with the values before anything is committed; `helm` is a script here."""

from pathlib import Path

import pytest

from actions.errors import PreflightFailed
from actions.gitops import render
from localcloud.astrago.world import Astrago
from tests.unit.gitops_services import commits, made, run, services

__all__ = ["made", "services"]

HELM = """#!/bin/sh
echo "$*" >> "{asked}"
for last in "$@"; do :; done
cp "$last" "{values}"
if grep -q 'imageTag: .*{refused}' "$last"; then
  echo "Error: execution error at (astrago/templates/core.yaml:7:12): {refused} is not wanted" >&2
  exit 1
fi
"""


@pytest.fixture
def helm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, services: Astrago) -> Path:
    """The directory in which the script leaves what it was asked and given."""
    script = tmp_path / "bin" / "helm"
    script.parent.mkdir()
    refused = services.tag("core", 1)
    script.write_text(HELM.format(asked=tmp_path / "asked", values=tmp_path / "values.yaml", refused=refused))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:/usr/bin:/bin")
    return tmp_path


def test_every_chart_is_rendered_with_the_values_as_they_would_be_committed(services: Astrago, helm: Path) -> None:
    run(services, {"core": services.push("core", 0)}, CHARTS="charts/astrago | charts/extra")
    asked = [line.split() for line in (helm / "asked").read_text().splitlines()]
    assert [line[:4] for line in asked] == [
        ["template", "trial", chart, "--values"] for chart in ("charts/astrago", "charts/extra")
    ]
    assert (helm / "values.yaml").read_bytes() == services.values()
    assert not Path(asked[0][-1]).exists()


def test_values_that_do_not_render_are_not_committed(services: Astrago, helm: Path) -> None:
    bad = services.push("core", 1)
    with pytest.raises(PreflightFailed, match=f"charts/astrago does not render with .*core.yaml:7:12.: {bad} is not"):
        run(services, {"core": bad}, CHARTS="charts/astrago")
    assert len(commits(services)) == 1


def test_charts_without_helm_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PreflightFailed, match=r"charts/astrago is to be rendered .* but there is no `helm` on PATH"):
        render.check("a: b\n", "values.yaml", "", ("charts/astrago",))
