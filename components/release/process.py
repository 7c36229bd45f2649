"""Run an action as a process of its own, for a dynamic resource: its progress is shown, its JSON object returned."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any


def run(module: str, *words: str, variables: Mapping[str, str]) -> dict[str, Any]:
    """What `python -m MODULE WORDS` prints; `RuntimeError` with the last it said when it fails."""
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    command = [sys.executable, "-m", module, *words]
    said = f"{module} said nothing"
    with subprocess.Popen(command, env={**os.environ, **variables}, **streams) as action:
        for line in action.stderr or ():
            said = line.rstrip()
            print(said, flush=True)  # to the provider's output, which the engine shows
        printed = action.stdout.read() if action.stdout else ""
    if action.returncode:
        raise RuntimeError(said.strip())
    answer: dict[str, Any] = json.loads(printed)
    return answer
