"""What an action is asked to do, as the environment says it."""

import os
from collections.abc import Mapping

from actions.errors import ReleaseError


def text(name: str, environment: Mapping[str, str] = os.environ) -> str:
    """A variable that must be there; `ReleaseError` names the one that is missing."""
    if not environment.get(name):
        raise ReleaseError(f"{name} is not set: this action is run by `pulumi up`, which sets it")
    return environment[name]
