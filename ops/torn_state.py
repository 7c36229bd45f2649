"""A state in a directory that an engine was killed while writing: its last whole copy takes its place.

The engine copies a state before it writes the next one over it, so a copy is at most one step behind. A bucket writes
an object as a whole or not at all.
"""

import json
import os
import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ops.errors import say


def mend(url: str, project: str, stack: str) -> None:
    """Where the stack's state lies in a directory and is no JSON; the caller sees to it that no engine is at work."""
    parts = urlsplit(url)
    if parts.scheme != "file":
        return
    root = Path(unquote(parts.netloc + parts.path)).expanduser()
    state = root / ".pulumi" / "stacks" / project / f"{stack}.json"
    copy = state.with_name(f"{state.name}.bak")
    if not state.exists() or _whole(state) or not _whole(copy):
        return
    whole = state.with_name(f"{state.name}.whole")
    shutil.copyfile(copy, whole)
    os.replace(whole, state)
    say(
        f"the state of {stack} was half written when its engine was killed: its copy of one step before takes its place"
    )


def _whole(file: Path) -> bool:
    try:
        json.loads(file.read_text())
    except (OSError, ValueError):
        return False
    return True
