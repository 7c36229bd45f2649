"""Runs the very steps of a workflow file as a runner runs them, with the expressions' values given by the test."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cloud.project import ROOT

EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a step ended, what it printed, and the outputs it set."""

    code: int
    text: str
    outputs: Mapping[str, str]


class Job:
    """One job of a workflow, in a checkout."""

    def __init__(self, workflow: str, job: str, checkout: Path, environment: Mapping[str, str]) -> None:
        content = yaml.safe_load((ROOT / ".github" / "workflows" / f"{workflow}.yml").read_text())
        self._environment = dict(content.get("env") or {})
        self._job: dict[str, Any] = content["jobs"][job]
        self._checkout = checkout
        self._inherited = dict(environment)

    def step(self, name: str) -> dict[str, Any]:
        (found,) = [step for step in self._job["steps"] if step.get("name") == name]
        return dict(found)

    def run(self, name: str, values: Mapping[str, str], **variables: str) -> Result:
        """Run a step's `run:`; `values` gives each expression's value, `variables` what the runner itself provides."""
        step = self.step(name)
        declared = {**self._environment, **(self._job.get("env") or {}), **(step.get("env") or {})}
        output = self._checkout.parent / "step-output"
        output.write_text("")
        environment = {
            **self._inherited,
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(output),
            **variables,
            **{key: evaluate(str(value), values) for key, value in declared.items()},
        }
        script = self._checkout.parent / "step.sh"
        script.write_text(evaluate(step["run"], {}))  # no expression belongs into a script: it would be an injection
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self._checkout,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
        )
        pairs = (line.partition("=") for line in output.read_text().splitlines())
        return Result(code=done.returncode, text=done.stdout, outputs={key: value for key, _, value in pairs})


def evaluate(text: str, values: Mapping[str, str]) -> str:
    """The text with its expressions replaced; an expression the test gives no value for fails the test."""
    return EXPRESSION.sub(lambda found: values[found[1]], text)


def git(root: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(root), *identity, *arguments]
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def commit(root: Path, message: str) -> str:
    """Commit everything in the directory; the commit."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(root, "rev-parse", "HEAD")
