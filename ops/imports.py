"""Which files of the checkout does a module read? Follows imports, and each `python -m <module>` a component names."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from ops.errors import OpsError

# Components name what they run by module path and never import it: "python -m actions.release_ecs".
NAMED = re.compile(r"\bactions(?:\.[A-Za-z_]\w*)+")


def closure(root: Path, start: Path) -> frozenset[str]:
    """Every file of the checkout that the module reaches or would reach, itself included, relative to the root."""
    found: set[str] = set()
    waiting = [start.as_posix()]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)  # also when it does not exist: a deleted file concerns whoever still imports it
        if not (root / name).is_file():
            continue
        for module in _modules(root / name, Path(name)):
            waiting += _files(root, module)
    return frozenset(found)


def _modules(path: Path, relative: Path) -> Iterator[str]:
    """The dotted names a file mentions; of `from a import b` both `a` and `a.b`, since b may be a module."""
    try:
        tree = ast.parse(path.read_text(), filename=str(relative))
    except SyntaxError as error:
        raise OpsError(f"{relative} cannot be read as Python, line {error.lineno}: {error.msg}") from error
    package = list(relative.parent.parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from NAMED.findall(node.value)


def _files(root: Path, module: str) -> list[str]:
    """The files that importing a dotted name would run: the module and the packages above it, if it is ours."""
    parts = module.split(".")
    if not parts[0] or not (root / parts[0]).is_dir():
        return []
    paths = (Path(*parts[:length]) for length in range(1, len(parts) + 1))
    return [file.as_posix() for path in paths for file in (path / "__init__.py", path.with_suffix(".py"))]
