"""Values that the application needs to start and no image may hold: from this runner's environment, by name."""

import json
import os
from collections.abc import Mapping

from actions.errors import ReleaseError

ESCAPES = {"\\": "\\\\", '"': '\\"', "$": "\\$", "`": "\\`"}


def values(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Variable → value of SECRETS, which names where each comes from; `ReleaseError` names all that are missing."""
    try:
        names = json.loads(environment.get("SECRETS") or "{}")
    except ValueError as error:
        raise ReleaseError("SECRETS must be a JSON object of variable and environment variable") from error
    missing = sorted({source for source in names.values() if not environment.get(source)})
    if missing:
        raise ReleaseError(f"the runner's environment has no {', '.join(missing)}, which SECRETS wants")
    found = {variable: environment[source] for variable, source in names.items()}
    for variable, value in found.items():
        if "\0" in value or not variable.isidentifier():
            raise ReleaseError(f"{variable} cannot be a variable of an environment file")
    return found


def as_lines(given: Mapping[str, str]) -> str:
    """As systemd reads them back unchanged."""
    return "".join(f'{variable}="{_quoted(value)}"\n' for variable, value in sorted(given.items()))


def _quoted(value: str) -> str:
    return "".join(ESCAPES.get(character, character) for character in value)
