import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from components.buildspec import SCHEMA, Package, deploy_document, document, render
from ops.buildspec import missing_scripts

SITE = Package(name="site", path="packages/site", output="dist", target="site")
SAMPLE = Path(__file__).parents[2] / "localcloud" / "quest16"


def commands(*packages: Package) -> list[str]:
    phases = document(packages or (SITE,), 22)["phases"]
    return [command for phase in phases.values() for command in phase["commands"]]


@pytest.mark.parametrize("spec", [document((SITE,), 22), deploy_document()], ids=["build", "deploy"])
def test_is_a_buildspec_also_after_it_was_written(spec: dict[str, object]) -> None:
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(yaml.safe_load(render(spec)))


def test_fast_checks_come_first_and_the_deploy_last() -> None:
    order = ["npm ci", "lerna run lint", "lerna run build", "lerna run test", "pack_release", "deploy_packages"]
    places = [next(i for i, command in enumerate(commands()) if word in command) for word in order]
    assert places == sorted(places)


def test_nothing_is_deployed_from_a_phase_that_runs_after_a_failure() -> None:
    spec = document((SITE,), 22)
    assert "post_build" not in spec["phases"]
    assert spec["phases"]["build"]["on-failure"] == "ABORT"
    assert not any("finally" in phase for phase in spec["phases"].values())


def test_production_builds_nothing() -> None:
    text = render(deploy_document())
    assert "lerna" not in text and "npm" not in text and "deploy_packages" in text


def test_two_packages_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="each under its own name, got site, site"):
        document((SITE, SITE), 22)


def test_an_unknown_target_is_refused() -> None:
    with pytest.raises(ValueError, match="target of package x must be one of site, container, got 'ftp'"):
        Package(name="x", path="x", output="dist", target="ftp")


def test_a_package_without_a_script_would_count_as_green_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "packages/site").mkdir(parents=True)
    (tmp_path / "packages/site/package.json").write_text('{"scripts": {"lint": "x", "build": "x"}}')
    gone = Package(name="gone", path="packages/gone", output="dist", target="site")
    assert missing_scripts(tmp_path, (SITE, gone)) == [
        "package site has no script 'test'",
        "package gone is not in packages/gone: there is no package.json",
    ]


def test_the_sample_has_every_script() -> None:
    assert missing_scripts(SAMPLE, (SITE,)) == []
