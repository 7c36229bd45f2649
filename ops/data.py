"""The data host of a stack, as its last `pulumi up` left it in the stack's state."""

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from ops import engine
from ops.errors import OpsError
from ops.project import load_project

APPLY = "python -m actions.apply_data"
ACTION = "actions.backup_data"


def data_environment(state: Any, stack: str) -> dict[str, str]:
    """The variables of the command that keeps the data host; OpsError where a stack has none."""
    for resource in (state.get("deployment") or {}).get("resources") or []:
        inputs = resource.get("inputs", {})
        if resource.get("type") == "command:local:Command" and inputs.get("create") == APPLY:
            return {name: str(value) for name, value in inputs["environment"].items()}
    raise OpsError(f"{stack} has no data host: its data are managed elsewhere, or it was never brought up")


def act_on_data(stack: str, arguments: Sequence[str]) -> int:
    """Run the action on the stack's data host, in view of the reader; its exit code."""
    load_project().stack(stack)
    environment = data_environment(engine.ask_json("stack", "export", "--stack", stack), stack)
    command = [sys.executable, "-m", ACTION, *arguments]
    return subprocess.run(command, env={**os.environ, **environment}, check=False).returncode
