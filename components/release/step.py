"""A step of a bake: a command that runs again when one of its variables changes, and never replaces."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_command import local


class Step:
    """`python -m MODULE`; `said` is the JSON object it printed, as a text."""

    def __init__(
        self,
        name: str,
        module: str,
        environment: Mapping[str, pulumi.Input[str]],
        *,
        parent: pulumi.Resource,
        after: Sequence[pulumi.Resource] = (),
    ) -> None:
        command = f"python -m {module}"
        self.resource = local.Command(
            name,
            create=command,
            update=command,
            environment=dict(environment),
            logging=local.Logging.STDERR,
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions(parent=parent, depends_on=list(after)),
        )
        # No step prints a secret, but what depends on one counts as one.
        self.said = pulumi.Output.unsecret(self.resource.stdout)

    def field(self, key: str) -> pulumi.Output[Any]:
        return self.said.apply(lambda text: json.loads(text)[key])


def timed(steps: pulumi.Output[list[dict[str, Any]]]) -> pulumi.Output[str]:
    """The steps of a resource as the summary reads them; the same ones are the same text."""
    return steps.apply(lambda found: json.dumps({"steps": found}, sort_keys=True))
