"""Which stacks a change touches, on a small checkout with real git; and when a commit was overtaken."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from localcloud.github.model import Repository, Token, World
from localcloud.github.server import GitHubServer
from ops import affected as command
from ops.affected import affected
from ops.errors import OpsError
from ops.github import GitHub
from ops.overtaken import overtaken_by
from ops.project import Project, load_project

FILES = {
    "Pulumi.yaml": "name: infra\nruntime: python\nstackConfigDir: stacks\n",
    "__main__.py": "import importlib\nfrom stacks import dispatch\n",
    "requirements.txt": "pulumi\n",
    "README.md": "x\n",
    "stacks/__init__.py": "",
    "stacks/dispatch.py": "from stacks import photo_settings\n",
    "stacks/photo_settings.py": "",
    "stacks/settings.py": "import os\n",
    "stacks/liveinsight.py": "from components import service\nfrom stacks.settings import X\n",
    "stacks/photo.py": "import components.bake\nfrom . import photo_settings, settings\n",
    "stacks/Pulumi.liveinsight.local.yaml": "",
    "stacks/Pulumi.liveinsight.dev.yaml": "",
    "stacks/Pulumi.liveinsight.prod.yaml": "",
    "stacks/Pulumi.photo.dev.yaml": "",
    "components/__init__.py": "",
    "components/service.py": "from .release.ecs import Release\n",
    "components/bake.py": "from components.naming import n\n",
    "components/naming.py": "",
    "components/unused.py": "",
    "components/release/__init__.py": "",
    "components/release/ecs.py": 'COMMAND = "python -m actions.release_ecs"\n',
    "components/release/page.html": "<p>\n",
    "actions/__init__.py": "",
    "actions/release_ecs.py": "from actions.probe import p\n",
    "actions/probe.py": "",
    "docs/x.md": "x\n",
    "src/app.py": "x\n",
    "new-thing.toml": "x\n",
}
LIVE = {"liveinsight.local", "liveinsight.dev", "liveinsight.prod"}
ALL = LIVE | {"photo.dev"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    git(tmp_path, "add", ".")
    commit(tmp_path, "one")
    return tmp_path


def git(root: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    answer = subprocess.run(["git", "-C", str(root), *identity, *arguments], capture_output=True, text=True, check=True)
    return answer.stdout.strip()


def commit(root: Path, message: str) -> str:
    git(root, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(root, "rev-parse", "HEAD")


@pytest.mark.parametrize(
    ("changed", "touched"),
    [
        ("components/release/deleted.css", LIVE),
        ("stacks/Pulumi.liveinsight.prod.yaml", {"liveinsight.prod"}),
        ("stacks/liveinsight.py", LIVE),
        ("stacks/settings.py", ALL),
        ("stacks/__init__.py", ALL),
        ("stacks/dispatch.py", ALL),  # read by __main__.py only
        ("stacks/photo_settings.py", {"photo.dev"}),  # read by it as well, and yet one system's own
        ("components/service.py", LIVE),
        ("components/release/ecs.py", LIVE),
        ("components/release/page.html", LIVE),
        ("actions/release_ecs.py", LIVE),  # named by a component, never imported
        ("actions/probe.py", LIVE),
        ("components/naming.py", {"photo.dev"}),
        ("components/bake.py", {"photo.dev"}),
        ("components/unused.py", set()),
        ("components/deleted.py", set()),
        ("src/app.py", LIVE),
        ("Pulumi.yaml", ALL),
        ("__main__.py", ALL),
        ("requirements.txt", ALL),
        ("new-thing.toml", ALL),
        ("README.md", set()),
        ("docs/x.md", set()),
        (".github/workflows/up.yml", set()),
        ("tests/unit/test_x.py", set()),
        ("ops/unlock.py", set()),
    ],
)
def test_table(checkout: Path, changed: str, touched: set[str]) -> None:
    assert {stack.name for stack in affected(load_project(checkout), [changed])} == touched


Run = Callable[..., list[str]]


@pytest.fixture
def run(checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(checkout)

    def go(*arguments: str) -> list[str]:
        assert command.main(arguments) == 0
        return [row["stack"] for row in json.loads(capsys.readouterr().out)]

    return go


def test_a_rename_touches_both_sides(checkout: Path, run: Run) -> None:
    git(checkout, "mv", "components/naming.py", "components/names.py")
    (checkout / "components/service.py").write_text("from components import names\n")
    commit(checkout, "rename")
    git(checkout, "add", ".")
    commit(checkout, "use")
    assert set(run("--base", "HEAD~2")) == ALL  # photo still imports the old name


def test_environments_are_chosen(run: Run) -> None:
    assert run("--base", "0" * 40, "--environment", "dev") == ["liveinsight.dev", "photo.dev"]
    assert run("--base", "0" * 40, "--without", "*cal", "--without", "prod") == ["liveinsight.dev", "photo.dev"]


def test_an_unknown_base_counts_as_everything(run: Run) -> None:
    assert set(run("--base", "1" * 40)) == ALL


def test_one_stack_by_name(run: Run) -> None:
    assert run("--stack", "photo.dev") == ["photo.dev"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--stack", "photo.prod"], "there is no stack 'photo.prod'.*photo.dev"),
        (["--base", "--output=/x"], "is not a commit"),
        (["--base", "HEAD", "--head", "nowhere"], "git cannot compare"),
    ],
)
def test_mistakes_are_one_sentence(run: Run, arguments: list[str], sentence: str) -> None:
    arguments = [f"--base={arguments[1]}", *arguments[2:]] if arguments[0] == "--base" else arguments
    with pytest.raises(OpsError, match=sentence):
        run(*arguments)


def overtaken(project: Project, stack: str, old: str) -> bool:
    world = World(
        repositories={"acme/infra": Repository(name="acme/infra", git=project.root)},
        tokens={"t": Token(login="x", permissions={"contents": "read"})},
    )
    with GitHubServer(world) as server:
        github = GitHub(api_url=server.url, repository="acme/infra", token="t", backoff=0.0)
        return overtaken_by(github, project, stack, old, "main") is not None


def test_a_commit_is_overtaken_by_one_that_touches_its_stack(checkout: Path) -> None:
    project = load_project(checkout)
    old = git(checkout, "rev-parse", "HEAD")
    assert not overtaken(project, "photo.dev", old)
    (checkout / "components/bake.py").write_text("x = 1\n")
    git(checkout, "add", ".")
    commit(checkout, "two")
    assert overtaken(project, "photo.dev", old)
    assert not overtaken(project, "liveinsight.dev", old)


def test_a_commit_that_left_the_branch_is_overtaken(checkout: Path) -> None:
    project = load_project(checkout)
    old = commit(checkout, "two")
    git(checkout, "reset", "--quiet", "--hard", "HEAD~1")
    commit(checkout, "other")
    assert overtaken(project, "photo.dev", old)
