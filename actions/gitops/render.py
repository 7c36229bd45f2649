"""Values are tried before they are committed: against their schema, and by rendering the charts that are at hand."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from actions.errors import PreflightFailed
from actions.gitops import values

RENDER_SECONDS = 120


def check(text: str, file: str, schema: str, charts: tuple[str, ...]) -> None:
    """`PreflightFailed` with the place in the file, or with helm's own sentence."""
    if schema:
        _check_schema(values.load(text, file), file, json.loads(Path(schema).read_text()))
    for chart in charts:
        _render(text, file, chart)


def _check_schema(content: Any, file: str, schema: Any) -> None:
    import jsonschema  # here, because a release without a schema needs none of it

    problem = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(content))
    if problem is not None:
        place = ".".join(str(part) for part in problem.absolute_path) or "the whole file"
        raise PreflightFailed(f"{file} would not fit its schema at {place}: {problem.message}")


def _render(text: str, file: str, chart: str) -> None:
    helm = shutil.which("helm")
    if helm is None:
        raise PreflightFailed(f"the chart {chart} is to be rendered before the commit, but there is no `helm` on PATH")
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", newline="") as trial:
        trial.write(text)
        trial.flush()
        command = [helm, "template", "trial", chart, "--values", trial.name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=RENDER_SECONDS, check=False)
    if done.returncode:
        raise PreflightFailed(f"{chart} does not render with {file}: {done.stderr.strip()[-500:]}")
