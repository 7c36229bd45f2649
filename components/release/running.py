"""The image that a service really runs, as a resource: an image changed by hand shows up in `pulumi preview
--refresh`.

It has no input that a release changes, so a release is one changed resource in the preview; what runs afterwards is
read from ECS.
"""

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult


class RunningImageProvider(ResourceProvider):
    """Reads the service; changes nothing."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(f"{props['cluster']}/{props['service']}", {**props, **_observe(props)})

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        observed = _observe(news)
        return DiffResult(changes=any(olds.get(key) != value for key, value in {**_inputs(news), **observed}.items()))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        return UpdateResult({**_inputs(news), **_observe(news)})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        return ReadResult(id_, {**props, **_observe(props)})


class RunningImage(Resource):
    """`image` and `task_definition` as ECS reports them for the service's primary deployment."""

    image: pulumi.Output[str]
    task_definition: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        cluster: str,
        service: pulumi.Input[str],
        container: str,
        region: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props = {"cluster": cluster, "service": service, "container": container, "region": region}
        super().__init__(RunningImageProvider(), name, {**props, "image": None, "task_definition": None}, opts)


def _inputs(props: dict[str, Any]) -> dict[str, Any]:
    return {key: props[key] for key in ("cluster", "service", "container", "region")}


def _observe(props: dict[str, Any]) -> dict[str, str]:
    from actions.running_image import running_image  # in the provider's process; a declaration loads no AWS client

    return running_image(**_inputs(props))
