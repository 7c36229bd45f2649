"""Drive a plugin the way the engine does: its process, its port, its calls."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

import grpc

from localcloud.plugins.protocol import empty_pb2, engine_pb2_grpc, provider_pb2_grpc, status_pb2
from localcloud.plugins.protocol import provider_pb2 as pb
from localcloud.plugins.values import Object, decode, encode

REPOSITORY = Path(__file__).parents[2]
SEED = b"0123456789abcdef"


class Failed(Exception):
    """The plugin answered with an error; `partial` is what it kept of the resource."""

    def __init__(self, message: str, partial: Any) -> None:
        super().__init__(message)
        self.partial = partial


class _Log(engine_pb2_grpc.EngineServicer):
    """The engine's log, kept for the test."""

    def __init__(self, lines: list[Any]) -> None:
        self._lines = lines

    def Log(self, request: Any, context: Any) -> Any:
        self._lines.append(request)
        return empty_pb2.Empty()


class Plugin:
    """A plugin's process; with `engine`, what it logs is in `lines`."""

    def __init__(
        self,
        name: str,
        environment: Mapping[str, str],
        directory: Path,
        *,
        engine: bool = False,
        program: Path | None = None,
    ) -> None:
        self.name, self._environment, self._directory = name, dict(environment), directory
        self._program = program or REPOSITORY / "localcloud/plugins/bin" / f"pulumi-resource-{name}"
        self.lines: list[Any] = []
        self._engine = grpc.server(ThreadPoolExecutor(2)) if engine else None

    def __enter__(self) -> "Plugin":
        path = f"{Path(sys.executable).parent}{os.pathsep}{self._environment.get('PATH', '')}"
        self._process = subprocess.Popen(
            [str(self._program), *self._address()],
            stdout=subprocess.PIPE,
            cwd=self._directory,
            env={**self._environment, "PATH": path},
        )
        assert self._process.stdout
        port = int(self._process.stdout.readline())
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self._stub = provider_pb2_grpc.ResourceProviderStub(self._channel)
        return self

    def _address(self) -> list[str]:
        if self._engine is None:
            return []
        engine_pb2_grpc.add_EngineServicer_to_server(_Log(self.lines), self._engine)
        port = self._engine.add_insecure_port("127.0.0.1:0")
        self._engine.start()
        return [f"127.0.0.1:{port}"]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stdout
        self._process.stdout.close()
        if self._engine:
            self._engine.stop(None).wait()

    def _call(self, method: str, request: Any) -> Any:
        try:
            return getattr(self._stub, method)(request, timeout=120)
        except grpc.RpcError as error:
            partial = None
            for key, value in error.trailing_metadata() or ():
                if key == "grpc-status-details-bin":
                    partial = pb.ErrorResourceInitFailed()
                    status_pb2.Status.FromString(value).details[0].Unpack(partial)
            raise Failed(error.details(), partial) from error

    def schema(self) -> str:
        """What the plugin says of itself."""
        return str(self._call("GetSchema", pb.GetSchemaRequest()).schema)

    def configure(self, values: Object) -> list[tuple[str, str]]:
        """Check and use a configuration; return what is wrong with it."""
        checked = self._call("CheckConfig", pb.CheckRequest(urn=urn("pulumi:providers:aws", "p"), news=encode(values)))
        if checked.failures:
            return [(one.property, one.reason) for one in checked.failures]
        self._call("Configure", pb.ConfigureRequest(args=encode(values), acceptSecrets=True))
        return []

    def check(
        self, token: str, name: str, news: Object, olds: Object | None = None
    ) -> tuple[Object, list[tuple[str, str]]]:
        request = pb.CheckRequest(urn=urn(token, name), news=encode(news), olds=encode(olds or {}), randomSeed=SEED)
        answer = self._call("Check", request)
        return decode(answer.inputs), [(one.property, one.reason) for one in answer.failures]

    def create(self, token: str, name: str, inputs: Object, *, preview: bool = False) -> tuple[str, Object]:
        answer = self._call(
            "Create", pb.CreateRequest(urn=urn(token, name), properties=encode(inputs), preview=preview)
        )
        return answer.id, decode(answer.properties)

    def read(
        self, token: str, name: str, resource_id: str, state: Object, inputs: Object
    ) -> tuple[str, Object, Object]:
        request = pb.ReadRequest(urn=urn(token, name), id=resource_id, properties=encode(state), inputs=encode(inputs))
        answer = self._call("Read", request)
        return answer.id, decode(answer.properties), decode(answer.inputs)

    def diff(
        self,
        token: str,
        name: str,
        resource_id: str,
        state: Object,
        inputs: Object,
        news: Object,
        ignored: Sequence[str] = (),
    ) -> Any:
        values = {"olds": encode(state), "old_inputs": encode(inputs), "news": encode(news)}
        request = pb.DiffRequest(urn=urn(token, name), id=resource_id, **values, ignoreChanges=ignored)
        return self._call("Diff", request)

    def update(
        self,
        token: str,
        name: str,
        resource_id: str,
        state: Object,
        inputs: Object,
        news: Object,
        ignored: Sequence[str] = (),
    ) -> Object:
        values = {"olds": encode(state), "old_inputs": encode(inputs), "news": encode(news)}
        request = pb.UpdateRequest(urn=urn(token, name), id=resource_id, **values, ignoreChanges=ignored)
        return decode(self._call("Update", request).properties)

    def cancel(self) -> None:
        self._call("Cancel", empty_pb2.Empty())

    def delete(self, token: str, name: str, resource_id: str, state: Object, inputs: Object) -> None:
        request = pb.DeleteRequest(
            urn=urn(token, name), id=resource_id, properties=encode(state), old_inputs=encode(inputs)
        )
        self._call("Delete", request)

    def invoke(self, token: str, args: Object) -> Object:
        answer = self._call("Invoke", pb.InvokeRequest(tok=token, args=encode(args)))
        assert not answer.failures, answer.failures
        return decode(getattr(answer, "return"))


def urn(token: str, name: str) -> str:
    return f"urn:pulumi:test::contract::{token}::{name}"
