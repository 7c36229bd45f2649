"""The image that a service really runs, as a resource: one changed by hand shows up in a preview, and `pulumi up` sets
it back.

None of its inputs changes with a release, so that a release is one changed resource in the preview; what runs
afterwards is read from ECS.
"""

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

if TYPE_CHECKING:
    from actions.running_image import Running


class RunningImageProvider(ResourceProvider):
    """Looks at the service; where something else runs than was released, an update releases that again."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        environment = props["environment"]
        return CreateResult(f"{environment['CLUSTER']}/{environment['SERVICE']}", {**props, **_look(props).seen})

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        running = _look(news)
        wanted = {"environment": news["environment"], **running.seen}
        changed = any(olds.get(key) != value for key, value in wanted.items())
        return DiffResult(changes=changed or bool(running.released))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        running = _look(news)
        if running.released:
            _release({**news["environment"], "IMAGE": running.released})
            running = _look(news)
        return UpdateResult({"environment": news["environment"], **running.seen})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        return ReadResult(id_, {**props, **_look(props).seen})


class RunningImage(Resource):
    """`image` and `task_definition` as ECS reports them for the service's primary deployment.

    `environment` is that of the release without its image.
    """

    image: pulumi.Output[str]
    task_definition: pulumi.Output[str]

    def __init__(
        self, name: str, *, environment: dict[str, pulumi.Input[str]], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        props = {"environment": environment, "image": None, "task_definition": None}
        super().__init__(RunningImageProvider(), name, props, opts)


def _look(props: dict[str, Any]) -> "Running":
    from actions.running_image import running_image  # in the provider's process; a declaration loads no AWS client

    environment = props["environment"]
    return running_image(
        cluster=environment["CLUSTER"],
        service=environment["SERVICE"],
        container=environment["CONTAINER"],
        table=environment["RELEASES_TABLE"],
        region=environment["REGION"],
    )


def _release(environment: dict[str, str]) -> None:
    """The very release action, its progress on the provider's output, which the engine shows."""
    command = [sys.executable, "-m", "actions.release_ecs"]
    streams: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env={**os.environ, **environment}, **streams) as action:
        for line in action.stderr or ():
            print(line.rstrip(), flush=True)
    if action.returncode:
        raise RuntimeError("what runs is not what was released, and releasing it again failed: see the lines above")
