"""What every stand-in shares: the gRPC server, the way to the engine's log, errors, and the end of the process."""

import functools
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn, TypeVar

import grpc

from .protocol import empty_pb2, engine_pb2, engine_pb2_grpc, plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2
from .values import Object, encode

_OPTIONS = [("grpc.max_receive_message_length", 400 * 1024 * 1024), ("grpc.max_send_message_length", -1)]
_THREADS = 64  # a blocking call occupies one; the engine works on 8 to 32 resources at once and Cancel must get through
_PARENT_POLL_SECONDS = 0.2


class PluginError(Exception):
    """A failure to be shown to the user in one sentence."""


class Partial(PluginError):
    """The resource exists, but not as asked for: the engine keeps its id and tries an update next time."""

    def __init__(self, message: str, resource_id: str, outputs: Object, inputs: Object) -> None:
        super().__init__(message)
        self.resource_id, self.outputs, self.inputs = resource_id, outputs, inputs


class Engine:
    """The engine's side of the connection: only its log is used."""

    def __init__(self, address: str | None) -> None:
        self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address, options=_OPTIONS)) if address else None

    def log(self, urn: str, message: str, *, ephemeral: bool = False, warning: bool = False) -> None:
        """Show a line at the resource; an ephemeral one only while the operation runs."""
        if self._stub is None:
            return
        severity = engine_pb2.WARNING if warning else engine_pb2.INFO
        request = engine_pb2.LogRequest(severity=severity, message=message, urn=urn, ephemeral=ephemeral)
        try:
            self._stub.Log(request, timeout=10)
        except grpc.RpcError:
            pass  # the engine is going away; the watch in `serve` ends this process


F = TypeVar("F", bound=Callable[..., Any])


def answers(method: F) -> F:
    """Turn an exception of a servicer's method into the gRPC status the engine expects."""

    @functools.wraps(method)
    def wrapped(self: "Provider", request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request, context)
        except Partial as error:
            _abort_partial(context, error)
        except PluginError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except Exception as error:  # a mistake in a stand-in: say where
            frame = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{os.path.basename(frame.filename)}:{frame.lineno}"
            context.abort(
                grpc.StatusCode.INTERNAL,
                f"the {self.name} stand-in failed in {method.__name__} ({place}): {type(error).__name__}: {error}",
            )

    return wrapped  # type: ignore[return-value]  # functools.wraps keeps the signature


def _abort_partial(context: grpc.ServicerContext, error: Partial) -> NoReturn:
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
    status.details.add().Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=error.resource_id,
            properties=encode(error.outputs),
            inputs=encode(error.inputs),
            reasons=[str(error)],
        )
    )
    context.abort_with_status(_Status(grpc.StatusCode.UNKNOWN, str(error), status.SerializeToString()))
    raise AssertionError("abort_with_status raises")


class _Status(grpc.Status):  # type: ignore[misc]  # grpc has no types
    def __init__(self, code: grpc.StatusCode, details: str, serialized: bytes) -> None:
        self.code, self.details = code, details
        self.trailing_metadata = (("grpc-status-details-bin", serialized),)


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """The calls that are the same for every plugin."""

    name = ""
    version = ""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.cancelled = threading.Event()

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=False, accept_outputs=False)

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.PluginInfo(version=self.version)

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        if request.old_inputs == request.news:
            return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_SOME)

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=False, acceptOutputs=False
        )

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.cancelled.set()
        return empty_pb2.Empty()


def _watch_parent(parent: int) -> None:
    """End at once when the engine is gone, as nobody can be told the results any more; children are not waited for."""
    never = threading.Event()
    while os.getppid() == parent:
        never.wait(_PARENT_POLL_SECONDS)
    os._exit(1)


def serve(make: Callable[[Engine], Provider]) -> None:
    """Serve a plugin until the engine ends it or is gone; the first line printed is the port."""
    threading.Thread(target=_watch_parent, args=(os.getppid(),), daemon=True).start()
    server = grpc.server(ThreadPoolExecutor(_THREADS), options=_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(
        make(Engine(sys.argv[1] if len(sys.argv) > 1 else None)), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    for number in (signal.SIGINT, signal.SIGTERM):
        # The engine has had every answer when it sends one; a second wait for running commands would only delay it.
        signal.signal(number, lambda *_: os._exit(0))
    print(port, flush=True)
    server.wait_for_termination()
