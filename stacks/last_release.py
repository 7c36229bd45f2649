"""What a stack released last, so that a stack without an image tag in its file keeps it."""

import pulumi

OUTPUT = "imageTag"  # exported by every stack that releases; a failed release leaves the earlier value


def last_released_tag() -> str | None:
    """The tag this stack released last, or None when it released none.

    It decides whether a release is declared at all, so it is asked for now: a plain value, not an output.
    """
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    answer = pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": stack}).value or {}
    tag = answer.get("outputs", {}).get(OUTPUT)
    return str(tag) if tag else None
