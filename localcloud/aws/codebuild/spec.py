"""A buildspec as CodeBuild reads it; an invalid one ends the build before its first command."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

SCHEMA = Path(__file__).parents[3] / "components" / "buildspec.schema.json"
PHASES = ("install", "pre_build", "build", "post_build")


class SpecError(Exception):
    """The buildspec is not one; the text is CodeBuild's, with the place of the mistake."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    commands: tuple[str, ...] = ()
    finally_: tuple[str, ...] = ()
    aborts: bool = False  # on-failure: ABORT
    continues: bool = False  # on-failure: CONTINUE
    runtimes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Buildspec:
    shell: str = "sh"
    variables: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)  # variable → SSM parameter
    phases: dict[str, Phase] = field(default_factory=dict)
    artifacts: dict[str, Any] = field(default_factory=dict)
    cache_paths: tuple[str, ...] = ()


EMPTY = Buildspec()


def parse(text: str) -> Buildspec:
    """Raises `SpecError` for what is no YAML or no buildspec."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}" if mark else ""
        raise SpecError(f"YAML_FILE_ERROR: YAML file error{place}: {getattr(error, 'problem', error)}") from error
    problems = sorted(Draft202012Validator(json.loads(SCHEMA.read_text())).iter_errors(content), key=str)
    if problems:
        place = ".".join(str(part) for part in problems[0].absolute_path) or "the document"
        raise SpecError(f"YAML_FILE_ERROR: wrong buildspec at {place}: {problems[0].message[:300]}")
    env = content.get("env") or {}
    return Buildspec(
        shell=str(env.get("shell", "sh")),
        variables={key: str(value) for key, value in (env.get("variables") or {}).items()},
        parameters={key: str(value) for key, value in (env.get("parameter-store") or {}).items()},
        phases={name: _phase(content["phases"].get(name) or {}) for name in PHASES},
        artifacts=content.get("artifacts") or {},
        cache_paths=tuple((content.get("cache") or {}).get("paths") or ()),
    )


def _phase(content: dict[str, Any]) -> Phase:
    return Phase(
        commands=tuple(content.get("commands") or ()),
        finally_=tuple(content.get("finally") or ()),
        aborts=content.get("on-failure") == "ABORT",
        continues=content.get("on-failure") == "CONTINUE",
        runtimes={key: str(value) for key, value in (content.get("runtime-versions") or {}).items()},
    )
