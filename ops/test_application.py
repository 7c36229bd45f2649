"""Run the tests of a system's application; what fails here is neither built nor released.

python -m ops.test_application STACK

The packages of the application's requirements.txt go into an environment of their own, gone afterwards.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

from ops.errors import OpsError, run_command, say
from ops.images import Image, image_of
from ops.project import load_project

REQUIREMENTS = "requirements.txt"


def run_tests(image: Image, root: Path) -> None:
    """Run the application's tests in view of the reader; OpsError when one fails."""
    context = root / image.context
    with tempfile.TemporaryDirectory() as directory:
        venv.create(directory)
        programs = Path(directory) / "bin"
        if (context / REQUIREMENTS).is_file():
            say(f"installing {image.context}/{REQUIREMENTS}")
            pip = (sys.executable, "-m", "pip", "--python", str(programs / "python"), "--disable-pip-version-check")
            _run(*pip, "install", "--quiet", "--requirement", REQUIREMENTS, context=context, environment=os.environ)
        environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
        say(f"{' '.join(image.tests)} in {image.context}")
        _run(*image.tests, context=context, environment=environment)


def _run(*command: str, context: Path, environment: Mapping[str, str]) -> None:
    try:
        # A relative program would be looked for on the PATH of this process; the shell's `env` uses the given one.
        answer = subprocess.run(["env", *command], cwd=context, env=environment, check=False, stdout=2)
    except FileNotFoundError:
        raise OpsError(f"there is no `{command[0]}` on PATH") from None
    if answer.returncode != 0:
        raise OpsError(f"`{' '.join(command)}` failed with code {answer.returncode}: see its lines above")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m ops.test_application", description="Run the tests of a system's application."
    )
    parser.add_argument("stack")
    project = load_project()
    stack = project.stack(parser.parse_args(arguments).stack)
    image = image_of(stack.system, project.root)
    if image is None:
        say(f"{stack.system} has no application in this checkout: nothing to test")
    elif not image.tests:
        say(f"{stack.system} names no tests in ops/images.py: nothing to test")
    else:
        run_tests(image, project.root)
    return 0


if __name__ == "__main__":
    run_command(main)
