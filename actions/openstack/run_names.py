"""The name of a run: everything that it makes carries it, so that what no state knows any more is found by it.

`photo-api-bake-<8 of the recipe>-<8 of the time><8 at random>`: the time lies in the name because a key pair, for one,
does not tell how old it is.
"""

import re
import secrets
import time

PATTERN = re.compile(r"(?P<kind>[a-z][a-z0-9-]*)-(?P<recipe>[0-9a-f]{8})-(?P<time>[0-9a-f]{8})[0-9a-f]{8}")


def fresh(kind: str, recipe: str) -> str:
    """`kind` such as photo-api-bake."""
    return f"{kind}-{recipe[:8]}-{int(time.time()):08x}{secrets.token_hex(4)}"


def age(name: str, kind: str, now: float) -> float | None:
    """The seconds since the run began; None for what is not the name of a run of this kind."""
    match = PATTERN.fullmatch(name)
    if match is None or match["kind"] != kind:
        return None
    return now - int(match["time"], 16)
