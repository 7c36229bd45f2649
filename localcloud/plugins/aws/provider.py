"""The servicer: the engine's calls, answered from the table of rows."""

import json
from typing import Any

import grpc

from ..diff import Change, changes, detailed, text
from ..protocol import empty_pb2
from ..protocol import provider_pb2 as pb
from ..server import Partial, PluginError, Provider, answers
from ..values import UNKNOWN, Object, Secret, decode, encode, has_secret, mark, plain
from . import state as states
from .check import complete, problems
from .compare import differences
from .config import config_problems, read_config
from .row import Op, Row
from .session import ApiError, Aws, endpoint
from .table import find_row


class AwsProvider(Provider):
    name = "aws"
    version = "7.51.1"
    aws: Aws

    @answers
    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        endpoint()
        failures = [
            pb.CheckFailure(property=key, reason=why) for key, why in config_problems(plain(decode(request.news)))
        ]
        return pb.CheckResponse(inputs=request.news, failures=failures)

    @answers
    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.aws = Aws(read_config(plain(decode(request.args))), self.cancelled)
        self.aws.check_account()
        return super().Configure(request, context)

    @answers
    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        kind, row = find_row(request.urn)
        news, olds = decode(request.news), decode(request.olds)
        news.pop("tagsAll", None)  # of an import: it comes from `tags` and the provider's default tags
        props = kind.all_props()
        failures = list(problems(kind.token, props, plain(news)))
        inputs = complete(props, news, plain(olds), request.urn, request.randomSeed)
        if not failures:
            failures = row.check(plain(inputs))
        if kind.tagged and (tags := self._tags(plain(inputs))):
            inputs["tagsAll"] = Secret(tags) if has_secret(inputs.get("tags")) else tags
        for name, prop in props.items():
            if prop.secret and inputs.get(name) is not None and not isinstance(inputs[name], Secret):
                inputs[name] = Secret(inputs[name])
        return pb.CheckResponse(
            inputs=encode(inputs), failures=[pb.CheckFailure(property=path, reason=why) for path, why in failures]
        )

    @answers
    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        kind, _ = find_row(request.urn)
        news, found = self._changes(kind, request)
        old_names = plain(decode(request.olds))
        # A second one of the same, given name cannot be made beside the first; automatic names leave room.
        taken = any(
            prop.auto and key not in (news.get("__defaults") or []) and news.get(key) == old_names.get(key)
            for key, prop in kind.props.items()
        )
        return detailed(found, replaces=lambda change: False, input_diff=False, delete_first=kind.delete_first or taken)

    def _changes(self, kind: type[Row], request: Any) -> tuple[Object, list[Change]]:
        state, news = plain(decode(request.olds)), plain(decode(request.news))
        old_inputs = plain(decode(request.old_inputs))
        found = list(differences(kind.props_for(news), state, news, old_inputs))
        if kind.tagged and isinstance(wanted := self._tags(news), dict):
            found += [change for change in changes(state.get("tagsAll") or {}, wanted, ("tagsAll",))]
        ignored = list(request.ignoreChanges)
        return news, [change for change in found if not _ignored(change, ignored)]

    def _tags(self, inputs: Object) -> Any:
        own = inputs.get("tags")
        return UNKNOWN if own == UNKNOWN else {**self.aws.default_tags, **(own or {})}

    def _op(self, request: Any, inputs: Object, old: Object | None = None, resource_id: str = "") -> Op:
        tags = self._tags(inputs)
        return Op(
            aws=self.aws,
            engine=self.engine,
            urn=request.urn,
            inputs={key: value for key, value in inputs.items() if key not in ("__defaults", "tagsAll")},
            old=old or {},
            id=resource_id,
            tags=tags if isinstance(tags, dict) else {},
            timeout=request.timeout,
        )

    @answers
    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        kind, row = find_row(request.urn)
        inputs = decode(request.properties)
        op = self._op(request, plain(inputs))
        if request.preview:
            outputs = states.previewed(kind, plain(inputs), {}, frozenset(inputs), self._tags(plain(inputs)))
            return pb.CreateResponse(properties=encode(self._sealed(kind, outputs, inputs)))
        try:
            op.id = row.create(op)
            outputs = self._state(row, op)
        except PluginError as error:
            if not op.id:
                raise PluginError(f"creating {_who(request.urn)}: {error}") from error
            outputs = self._sealed(kind, self._best_state(row, op), inputs)
            message = f"{_who(request.urn)} was created, but {error}"
            raise Partial(message, op.id, outputs, inputs) from error
        return pb.CreateResponse(id=op.id, properties=encode(self._sealed(kind, outputs, inputs)))

    @answers
    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        kind, row = find_row(request.urn)
        inputs, old = decode(request.news), plain(decode(request.olds))
        _, found = self._changes(kind, request)
        changed = frozenset(str(change.path[0]) for change in found)
        if request.preview:
            outputs = states.previewed(kind, plain(inputs), old, changed, self._tags(plain(inputs)))
            return pb.UpdateResponse(properties=encode(self._sealed(kind, outputs, inputs)))
        op = self._op(request, plain(inputs), old, request.id)
        op.changed = changed - {"tags", "tagsAll"}
        before = old.get("tagsAll") or {}
        try:
            if op.changed:
                row.update(op)
            if kind.tagged and {"tags", "tagsAll"} & changed:
                row.retag(op, op.tags, [key for key in before if key not in op.tags])
            outputs = self._state(row, op)
        except states.Unsettled as error:
            sealed = self._sealed(kind, self._best_state(row, op), inputs)
            raise Partial(f"{_who(request.urn)} was updated, but {error}", op.id, sealed, inputs) from error
        except PluginError as error:
            raise PluginError(f"updating {_who(request.urn)}: {error}") from error
        return pb.UpdateResponse(properties=encode(self._sealed(kind, outputs, inputs)))

    @answers
    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        _, row = find_row(request.urn)
        old = plain(decode(request.properties))
        op = self._op(request, old, old, request.id)
        try:
            row.delete(op)
        except ApiError as error:
            if not row.is_gone(error):
                raise PluginError(f"deleting {_who(request.urn)}: {error}") from error
        except PluginError as error:
            raise PluginError(f"deleting {_who(request.urn)}: {error}") from error
        return empty_pb2.Empty()

    @answers
    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        kind, row = find_row(request.urn)
        old, old_inputs = decode(request.properties), decode(request.inputs)
        op = self._op(request, plain(old_inputs), plain(old), request.id)
        try:
            found = self._state(row, op)
        except states.Gone:
            return pb.ReadResponse(id="")
        except PluginError as error:
            raise PluginError(f"reading {_who(request.urn)}: {error}") from error
        inputs = states.inputs_of(kind, found, plain(old_inputs))
        sealed_inputs = self._sealed(kind, inputs, old_inputs)
        return pb.ReadResponse(
            id=op.id, properties=encode(self._sealed(kind, found, old)), inputs=encode(sealed_inputs)
        )

    def _state(self, row: Row, op: Op) -> Object:
        """The state as the cloud has it now."""
        try:
            found = row.read(op)
        except ApiError as error:
            if row.is_gone(error):
                raise states.Gone(f"{op.id} is gone") from error
            raise
        if found is None:
            raise states.Gone(f"{op.id} is gone")
        op.id = found.pop("id", op.id)
        return states.settled(type(row), found, op, self.aws)

    def _best_state(self, row: Row, op: Op) -> Object:
        try:
            return self._state(row, op)
        except PluginError:
            return {**op.old, **op.inputs}  # unreadable: what was asked for is the best that is known

    def _sealed(self, kind: type[Row], outputs: Object, inputs: Object) -> Object:
        sealed: Object = mark(outputs, inputs)
        names = {key for key, prop in kind.props.items() if prop.secret}
        return {
            key: Secret(value) if key in names and not isinstance(value, Secret) else value
            for key, value in sealed.items()
        }

    @answers
    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        from .functions import FUNCTIONS, call

        if request.tok not in FUNCTIONS:
            raise PluginError(f"the local cloud's aws plugin does not offer the function {request.tok}")
        result, failures = call(request.tok, self.aws, plain(decode(request.args)))
        return pb.InvokeResponse(
            **{"return": encode(result)},
            failures=[pb.CheckFailure(property=name, reason=why) for name, why in failures],
        )

    @answers
    def GetSchema(self, request: Any, context: grpc.ServicerContext) -> Any:
        from .schema import package

        return pb.GetSchemaResponse(schema=json.dumps(package(self.version)))


def _who(urn: str) -> str:
    token, name = urn.split("::")[2].split("$")[-1], urn.rsplit("::", 1)[-1]
    return f"{token} '{name}'"


def _ignored(change: Change, ignored: list[str]) -> bool:
    path = text(change.path)
    return any(path == one or path.startswith((f"{one}.", f"{one}[")) for one in ignored)
