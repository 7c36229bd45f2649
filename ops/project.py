"""What the checkout says about itself: the project's name, and which stacks it has."""

import re
from dataclasses import dataclass
from pathlib import Path

from ops.errors import OpsError

ENTRY = re.compile(r"""^(name|stackConfigDir):[ \t]*["']?([\w./-]+)["']?[ \t]*(?:#.*)?$""", re.MULTILINE)
STACK_NAME = re.compile(r"[a-z0-9][a-z0-9-]*\.[a-z0-9][a-z0-9-]*")


@dataclass(frozen=True, kw_only=True, order=True)
class Stack:
    """One system in one environment; its configuration lies in a file of its own."""

    system: str
    environment: str

    @property
    def name(self) -> str:
        return f"{self.system}.{self.environment}"


@dataclass(frozen=True, kw_only=True)
class Project:
    """The Pulumi project in a directory."""

    root: Path
    name: str
    config_dir: Path  # relative to root

    def config_file(self, stack: Stack) -> Path:
        """The stack's configuration file, relative to the project's directory."""
        return self.config_dir / f"Pulumi.{stack.name}.yaml"

    def stacks(self) -> tuple[Stack, ...]:
        """Every stack that has a configuration file, by name."""
        names = (
            path.name[len("Pulumi.") : -len(".yaml")] for path in (self.root / self.config_dir).glob("Pulumi.*.yaml")
        )
        return tuple(sorted(parse_stack(name) for name in names if STACK_NAME.fullmatch(name)))

    def stack(self, name: str) -> Stack:
        """The stack of that name; OpsError names those that exist."""
        known = self.stacks()
        for stack in known:
            if stack.name == name:
                return stack
        listing = ", ".join(stack.name for stack in known) or "none"
        raise OpsError(
            f"there is no stack {name!r}: {self.config_dir}/Pulumi.{name}.yaml does not exist. Stacks: {listing}"
        )


def parse_stack(name: str) -> Stack:
    """`<system>.<environment>` as a Stack; OpsError tells the form."""
    if not STACK_NAME.fullmatch(name):
        raise OpsError(f"{name!r} is not a stack name: it has the form <system>.<environment>, like liveinsight.dev")
    system, environment = name.split(".")
    return Stack(system=system, environment=environment)


def load_project(root: Path | None = None) -> Project:
    """The project of a directory (default: the working directory); OpsError when there is none."""
    root = (root or Path.cwd()).resolve()
    path = root / "Pulumi.yaml"
    try:
        text = path.read_text()
    except FileNotFoundError:
        raise OpsError(f"{root} holds no Pulumi.yaml: run this in the project's directory") from None
    # Two plain entries of the top level, read without a YAML package: a bare Python can then tell which stacks there
    # are.
    entries = dict(ENTRY.findall(text))
    if "name" not in entries:
        raise OpsError(f"{path} names no project")
    return Project(root=root, name=entries["name"], config_dir=Path(entries.get("stackConfigDir", ".")))
