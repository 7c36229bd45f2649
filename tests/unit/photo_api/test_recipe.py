"""The recipe: what changes it, and what does not."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from stacks import photo_api_recipe as recipes
from stacks.config_reader import ConfigError
from stacks.photo_api_plan import Plan, plan
from tests.unit.photo_api.test_settings import read


def git(path: Path, *words: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(path), *who, *words], check=True, capture_output=True)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    path = tmp_path / "photo-api"
    (path / "app").mkdir(parents=True)
    (path / "app" / "main.py").write_text("app = 1\n")
    (path / "requirements.txt").write_text("fastapi==1\n")
    (path / "notes.md").write_text("n\n")
    git(path, "init", "--quiet")
    git(path, "add", ".")
    git(path, "commit", "--quiet", "-m", "one")
    return path


def planned(tree: Path, base: str = "base-1", **values: Any) -> Plan:
    return plan(read(source=str(tree), excludes=["*.md"], **values), base)


def test_the_same_content_is_the_same_recipe_whatever_the_commit(tree: Path) -> None:
    first = planned(tree)
    git(tree, "commit", "--quiet", "--allow-empty", "-m", "two")
    (tree / "notes.md").write_text("other\n")
    (tree / "untracked").write_text("x\n")
    second = planned(tree)
    assert first.recipe == second.recipe and first.commit != second.commit
    assert second.commit.endswith("-dirty") and not first.commit.endswith("-dirty")


def test_what_goes_into_the_image_makes_another_recipe(tree: Path) -> None:
    found = {planned(tree).recipe, planned(tree, "base-2").recipe}
    changes: list[dict[str, Any]] = [
        {"python": "3.12"},
        {"packages": ["python3.11", "jq"]},
        {"profile": "compromise"},
        {"nodeExporter": {"version": "1.8.0"}},
        {"port": 9000},
        {"diskFormat": "qcow2"},
    ]
    found |= {planned(tree, **values).recipe for values in changes}
    (tree / "app" / "main.py").chmod(0o755)
    found.add(planned(tree).recipe)
    (tree / "app" / "main.py").write_text("app = 2\n")
    found.add(planned(tree).recipe)
    (tree / "requirements.txt").write_text("fastapi==2\n")
    found.add(planned(tree).recipe)
    assert len(found) == len(changes) + 5


def test_how_it_is_made_does_not(tree: Path) -> None:
    values: dict[str, Any] = {"flavor": "m2.c8m16", "cache": "/elsewhere", "skipCleanup": True, "tags": ["x"]}
    assert planned(tree, **values).recipe == planned(tree).recipe


def test_the_programs_own_scripts_belong_to_it() -> None:
    assert "install.sh" in recipes.scripts() and "seal.sh" in recipes.scripts()


def test_a_source_that_is_not_there_is_a_sentence(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such directory: check the application out there"):
        planned(tmp_path / "nowhere")
    (tmp_path / "plain").mkdir()
    with pytest.raises(ConfigError, match="git says: fatal: not a git repository"):
        planned(tmp_path / "plain")
    with pytest.raises(ConfigError, match="git knows no file that is not excluded"):
        plan(read(source=str(tree), excludes=["*"]), "b")
    (tree / "requirements.txt").unlink()
    with pytest.raises(ConfigError, match=r"requirements is .*, but there is no such file"):
        planned(tree)


def test_a_base_image_needs_no_source() -> None:
    assert plan(read("base"), "base-1").commit == ""
