"""What a stack released last, so that a stack without a tag in its file keeps it."""

import re
from typing import Any

import pulumi

from stacks.patience import asked_again

OUTPUT = "imageTag"  # exported by a stack that releases one image; a failed release leaves the earlier value
OUTPUTS = "tags"  # by a stack that releases several
TORN = re.compile("failed to load checkpoint")  # a state in a directory is read just while the engine writes it
ATTEMPTS = 10
PAUSE_SECONDS = 0.2


def last_released_tag() -> str | None:
    """The tag this stack released last, or None when it released none."""
    tag = _outputs().get(OUTPUT)
    return str(tag) if tag else None


def last_released_tags() -> dict[str, str]:
    """Component → the tag this stack released last."""
    return {str(name): str(tag) for name, tag in (_outputs().get(OUTPUTS) or {}).items()}


def _outputs() -> dict[str, Any]:
    """The stack's own outputs of its last update."""
    return outputs_of(pulumi.get_stack())


def outputs_of(stack: str) -> dict[str, Any]:
    """The outputs of a stack of this project as its last update left them; none when there is no such stack.

    They decide what is declared at all, so they are asked for now: plain values, not outputs.
    """
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{stack}"
    answer = asked_again(lambda: _asked(name), TORN, ATTEMPTS, PAUSE_SECONDS)
    outputs: dict[str, Any] = answer.get("outputs", {})
    return outputs


def _asked(name: str) -> dict[str, Any]:
    answer: dict[str, Any] = pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": name}).value or {}
    return answer
