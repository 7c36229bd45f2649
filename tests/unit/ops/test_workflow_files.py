"""What every workflow of this repository keeps to; actionlint and zizmor (make check) look for the rest."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"uses: [\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


@pytest.fixture(params=FILES, ids=lambda path: path.name)
def text(request: pytest.FixtureRequest) -> str:
    path: Path = request.param
    return path.read_text()


def jobs(text: str) -> dict[str, dict[str, Any]]:
    content: dict[str, dict[str, Any]] = yaml.safe_load(text)["jobs"]
    return content


def test_there_are_workflows() -> None:
    assert {path.stem for path in FILES} >= {"preview", "up"}


def test_actions_are_pinned_by_commit_with_their_version(text: str) -> None:
    for line in text.splitlines():
        if "uses:" in line:
            assert PINNED.search(line), line


def test_rights_are_given_job_by_job_and_jobs_end(text: str) -> None:
    assert yaml.safe_load(text)["permissions"] == {}
    for name, job in jobs(text).items():
        assert job["timeout-minutes"] <= 60, name
        assert not set(job.get("permissions", {})) - {"contents", "id-token", "pull-requests"}, name
        assert job.get("permissions", {}).get("contents", "read") == "read", name


def test_no_step_has_an_expression_in_its_script(text: str) -> None:
    for name, job in jobs(text).items():
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), f"{name}: {step}"


def test_checkouts_keep_no_credentials(text: str) -> None:
    for job in jobs(text).values():
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_every_script_exists_and_may_run(text: str) -> None:
    for script in re.findall(r"\.github/scripts/[\w.-]+", text):
        assert (ROOT / script).stat().st_mode & 0o100, script


def test_the_engine_is_the_one_of_the_requirements() -> None:
    (pinned,) = re.findall(r"^pulumi==(\S+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    for path in FILES:
        assert set(re.findall(r"pulumi-version: (\S+)", path.read_text())) == {pinned}


def test_a_stack_has_one_run_at_a_time_and_says_so_to_unlock() -> None:
    up = jobs((ROOT / ".github" / "workflows" / "up.yml").read_text())["up"]
    assert up["concurrency"] == {"group": "pulumi-${{ matrix.stack }}", "cancel-in-progress": False}
    assert up["env"]["CONCURRENCY_GROUP"] == up["concurrency"]["group"]
    assert up["environment"] == "${{ matrix.environment }}"


def test_only_tests_and_a_build_that_ended_well_or_were_not_wanted_let_a_release_through() -> None:
    found = jobs((ROOT / ".github" / "workflows" / "up.yml").read_text())
    for name in ("test", "build"):
        results = re.findall(rf"needs\.{name}\.result (\S+ '\w+')", found["up"]["if"])
        assert set(results) == {"== 'success'", "== 'skipped'"}
        assert name in found["up"]["needs"]
    assert "test" in found["build"]["needs"] and "always()" not in found["build"]["if"]


def test_a_release_tag_is_one_with_a_version() -> None:
    content: dict[Any, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "up.yml").read_text())
    assert content[True]["push"]["tags"] == ["*/v[0-9]+.[0-9]+.[0-9]+*"]  # YAML 1.1 reads the key `on` as true


def test_forks_get_no_identity() -> None:
    preview = jobs((ROOT / ".github" / "workflows" / "preview.yml").read_text())
    assert preview["plan"]["if"] == "github.event.pull_request.head.repo.full_name == github.repository"
    assert preview["preview"]["needs"] == "plan"
    assert "permissions" not in preview["fork"]
