"""Write the buildspec of a stack's packages into the root of a monorepo.

python -m ops.buildspec STACK DIRECTORY [--check]

The same text that the stack's project holds, for a repository that keeps its own (`source.buildspecFile`). Refuses a
directory in which a declared package is missing or lacks one of the scripts lint, build and test: `lerna run` would
skip it without a word, and it would count as green. `--check` writes nothing and fails when the file is another one.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import yaml

from components.buildspec import Package, document, render
from ops.errors import OpsError, run_command, say
from ops.project import load_project

FILE = "buildspec.yml"
SCRIPTS = ("lint", "build", "test")
PREFIX = "infra-release:"


def packages_of(values: dict[str, object]) -> tuple[tuple[Package, ...], int]:
    """The declared packages and the Node.js version of a stack's values."""
    listed = values.get(f"{PREFIX}packages")
    if not isinstance(listed, list):
        raise OpsError("the stack's file declares no packages")
    return tuple(Package(**one) for one in listed), int(str(values.get(f"{PREFIX}nodeVersion", 22)))


def missing_scripts(root: Path, packages: Sequence[Package]) -> list[str]:
    """What a package of the monorepo lacks to count as checked."""
    problems = []
    for package in packages:
        file = root / package.path / "package.json"
        if not file.exists():
            problems.append(f"package {package.name} is not in {package.path}: there is no package.json")
            continue
        scripts = json.loads(file.read_text()).get("scripts", {})
        problems += [f"package {package.name} has no script {name!r}" for name in SCRIPTS if name not in scripts]
    return problems


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.buildspec", description="Write a monorepo's buildspec.yml.")
    parser.add_argument("stack", help="for example quest16.staging")
    parser.add_argument("directory", type=Path, help="the monorepo's root")
    parser.add_argument("--check", action="store_true", help="only say whether the file is up to date")
    options = parser.parse_args(arguments)
    project = load_project()
    file = project.root / project.config_file(project.stack(options.stack))
    packages, node = packages_of(yaml.safe_load(file.read_text()).get("config", {}))
    if problems := missing_scripts(options.directory, packages):
        raise OpsError("; ".join(problems))
    text = render(document(packages, node))
    target = options.directory / FILE
    if options.check:
        if not target.exists() or target.read_text() != text:
            raise OpsError(f"{target} is not what {options.stack} declares: write it with python -m ops.buildspec")
    else:
        target.write_text(text)
        say(f"wrote {target}")
    return 0


if __name__ == "__main__":
    run_command(main)
