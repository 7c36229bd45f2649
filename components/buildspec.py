"""buildspec.yml of a lerna monorepo, rendered from its declared packages. Pure.

Fast checks come first, and each command starts only after the one before succeeded. Everything that decides about a
deploy stands in one phase: CodeBuild runs `post_build` also after a failed `build`, so nothing is deployed from there.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

SCHEMA = Path(__file__).with_name("buildspec.schema.json")
TARGETS = ("site", "container")
CACHE = "/root/.npm/**/*"  # what `npm ci` downloaded; never node_modules: a clean environment each time
RELEASE = "release"  # the directory that is deployed, and becomes the artifact that production receives
TOOL = "/tmp/release-tool.zip"  # noqa: S108 - a build's machine is its own
# The standard images have Python but not these; another image may bring them along.
LIBRARIES = "boto3==1.43.106 requests==2.34.2"


@dataclass(frozen=True, kw_only=True)
class Package:
    """A package of the monorepo that is deployed; what it shares with others needs no declaration."""

    name: str
    path: str  # below the repository's root
    output: str  # below the path: a site's files, or the directory an image is built from
    target: str  # one of TARGETS

    def __post_init__(self) -> None:
        if self.target not in TARGETS:
            raise ValueError(f"target of package {self.name} must be one of {', '.join(TARGETS)}, got {self.target!r}")

    def as_dict(self) -> dict[str, str]:
        return {"name": self.name, "path": self.path, "output": self.output, "target": self.target}


def document(packages: Sequence[Package], node: int) -> dict[str, Any]:
    """lint → build → test → deploy of all packages; raises ValueError when two packages share a name."""
    names = [package.name for package in packages]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"at least one package, and each under its own name, got {', '.join(names) or 'none'}")
    declared = json.dumps([package.as_dict() for package in packages], separators=(",", ":"))
    return {
        "version": 0.2,
        "env": {"shell": "bash", "variables": {"PACKAGES": declared}},
        "phases": {
            "install": {
                "runtime-versions": {"nodejs": node},
                "commands": ["npm ci", *_tool()],
            },
            "pre_build": {"commands": ["npx lerna run lint"]},
            "build": {
                "on-failure": "ABORT",
                "commands": [
                    "npx lerna run build",
                    "npx lerna run test",
                    f"PYTHONPATH={TOOL} python3 -m actions.pack_release {RELEASE}",
                    f"PYTHONPATH={TOOL} python3 -m actions.deploy_packages {RELEASE}",
                ],
            },
        },
        "artifacts": {"base-directory": RELEASE, "files": ["**/*"]},
        "cache": {"paths": [CACHE]},
    }


def deploy_document() -> dict[str, Any]:
    """What production does with staging's artifact: no install, no build, only the deploy."""
    return {
        "version": 0.2,
        "env": {"shell": "bash"},
        "phases": {
            "install": {"commands": _tool()},
            "build": {
                "on-failure": "ABORT",
                "commands": [f"PYTHONPATH={TOOL} python3 -m actions.deploy_packages ."],
            },
        },
    }


def _tool() -> list[str]:
    """Fetch the release program that the stack has put into the artifacts bucket."""
    fetch = (
        "import boto3, os; boto3.client('s3').download_file(*os.environ['RELEASE_TOOL'].split('/', 1), '" + TOOL + "')"
    )
    return [
        f"python3 -c 'import boto3, requests' || python3 -m pip install --quiet {LIBRARIES}",
        f'python3 -c "{fetch}"',
    ]


def render(spec: dict[str, Any]) -> str:
    """The YAML of a buildspec, in CodeBuild's order of keys."""
    return yaml.safe_dump(spec, sort_keys=False, width=1000, allow_unicode=True)
