"""A copy of the project with a state of its own, driven by the real engine."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROGRAM = ("Pulumi.yaml", "__main__.py", "stacks", "components", "actions", "ops")
PLUGINS = ROOT / "localcloud" / "plugins" / "bin"


class Project:
    """`pulumi(...)` in a temporary copy, so that tests may change configuration as they like."""

    def __init__(self, home: Path, cloud: dict[str, str], stack: str) -> None:
        self.stack = stack
        self.path = home / "project"
        self.path.mkdir(parents=True)
        for name in PROGRAM:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, self.path / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, self.path / name)
        (home / "state").mkdir()
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
            **cloud,
            "PATH": f"{os.environ['PATH']}:{PLUGINS}",
            "PULUMI_BACKEND_URL": f"file://{home / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "local",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }
        self.state = home / "state"

    def run(
        self,
        *command: str,
        check: bool = True,
        seconds: float = 300,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            cwd=self.path,
            env={**self.environment, **(environment or {})},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
        )
        assert not check or done.returncode == 0, f"{' '.join(command)} ended {done.returncode}:\n{done.stdout[-6000:]}"
        return done

    def pulumi(
        self, *arguments: str, check: bool = True, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        flags = ("--non-interactive", "--color=never")
        return self.run("pulumi", *arguments, *flags, check=check, environment=environment)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """`pulumi` in the background, to be killed."""
        return subprocess.Popen(
            ["pulumi", *arguments, "--non-interactive", "--color=never"],
            cwd=self.path,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def up(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.pulumi("up", "--yes", "--skip-preview", *arguments, check=check)

    def set(self, key: str, value: str) -> None:
        flags = ["--path"] if "." in key else []
        self.pulumi("config", "set", *flags, f"infra-release:{key}", value)

    def release(self, tag: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        self.set("imageTag", tag)
        return self.up(check=check)

    def config(self) -> str:
        return (self.path / "stacks" / f"Pulumi.{self.stack}.yaml").read_text()

    def output(self, name: str) -> Any:
        return self.outputs().get(name)

    def outputs(self) -> dict[str, Any]:
        outputs: dict[str, Any] = json.loads(self.pulumi("stack", "output", "--json").stdout)
        return outputs
