"""A resource type of the table: what it is made of, and the calls that create, read, update and delete it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..server import Engine
from ..values import Object
from .properties import Prop, from_api, mapping, text, to_api
from .session import ApiError, Aws

COMMON = {"region": text(computed=True, kept=True)}
TAGS = {"tags": mapping()}


@dataclass
class Op:
    """One operation on one resource, as a row's function sees it."""

    aws: Aws
    engine: Engine
    urn: str
    inputs: Object  # plain values with defaults
    old: Object = field(default_factory=dict)  # plain state
    id: str = ""
    changed: frozenset[str] = frozenset()  # top-level properties an update must change
    tags: dict[str, str] = field(default_factory=dict)  # the resource's own and the provider's default tags
    timeout: float = 0.0  # seconds; 0 = the row's own default

    def client(self, service: str) -> Any:
        return self.aws.client(service)

    def created(self, resource_id: str) -> str:
        """From here on a failure keeps the resource in the state."""
        self.id = resource_id
        return resource_id

    def say(self, message: str) -> None:
        self.engine.log(self.urn, message, ephemeral=True)

    def wait(self, what: str, done: Any, default: float) -> None:
        self.aws.wait(what, done, self.timeout or default)


class Row:
    """Base of all rows. Only what a type needs is overridden."""

    token: ClassVar[str]
    import_id: ClassVar[str]  # what `pulumi import` is given, as for the real provider
    props: ClassVar[Mapping[str, Prop]]
    outputs: ClassVar[tuple[str, ...]] = ()
    tagged: ClassVar[bool] = False
    upper: ClassVar[bool] = True  # the API's fields begin with a capital letter
    unstable: ClassVar[
        Mapping[str, tuple[str, ...]]
    ] = {}  # output -> inputs whose change makes it unknown in a preview
    gone: ClassVar[tuple[str, ...]] = ()  # error codes that mean: there is no such thing
    regional: ClassVar[bool] = True
    delete_first: ClassVar[bool] = False  # two of it cannot exist at once

    @classmethod
    def all_props(cls) -> dict[str, Prop]:
        """Every input property, the common ones included."""
        return {**cls.props, **(TAGS if cls.tagged else {}), **(COMMON if cls.regional else {})}

    @classmethod
    def props_for(cls, inputs: Object) -> dict[str, Prop]:
        """The input properties as these inputs have them: what replaces may depend on another input."""
        return cls.all_props()

    @classmethod
    def all_outputs(cls) -> tuple[str, ...]:
        """What appears in the state besides the inputs."""
        return (*cls.outputs, *(("tagsAll",) if cls.tagged else ()))

    def create(self, op: Op) -> str:
        """Create it; return its id. Call `op.created` before a wait that may fail."""
        raise NotImplementedError

    def read(self, op: Op) -> Object | None:
        """Inputs and outputs as the cloud has them (`id` when it differs from op.id); None when it is gone."""
        raise NotImplementedError

    def update(self, op: Op) -> None:
        """Bring `op.changed` to `op.inputs`; tags are seen to by `retag`."""

    def delete(self, op: Op) -> None:
        raise NotImplementedError

    def retag(self, op: Op, put: dict[str, str], removed: list[str]) -> None:
        """Add or change tags, then remove those no longer wanted."""
        raise NotImplementedError

    def check(self, inputs: Object) -> list[tuple[str, str]]:
        """(property, what is wrong) for rules between properties."""
        return []

    def send(self, op: Op, *names: str) -> dict[str, Any]:
        """API parameters of these inputs, or of all."""
        chosen = {name: self.props[name] for name in names} if names else self.props
        return to_api(chosen, op.inputs, upper=self.upper)

    def receive(self, answer: Mapping[str, Any]) -> Object:
        """Property values of an API's answer."""
        return from_api(self.props, answer, upper=self.upper)

    def is_gone(self, error: ApiError) -> bool:
        return error.code in self.gone


TABLE: dict[str, type[Row]] = {}


def row(kind: type[Row]) -> type[Row]:
    """Put the row into the table."""
    TABLE[kind.token] = kind
    return kind


def tag_list(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    return [{key: name, value: content} for name, content in tags.items()]


def tag_map(tags: Any, key: str = "Key", value: str = "Value") -> dict[str, str]:
    """Tags of an API's answer; AWS's own (aws:) are left out."""
    return {tag[key]: tag.get(value, "") for tag in tags or [] if not tag[key].startswith("aws:")}
