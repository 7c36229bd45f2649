"""The servicer: which change runs which command, and what of it is kept in the state."""

import secrets
from typing import Any

import grpc

from ..diff import changes, detailed
from ..protocol import empty_pb2
from ..protocol import provider_pb2 as pb
from ..server import PluginError, Provider, answers
from ..values import UNKNOWN, Object, Secret, decode, encode, has_secret, has_unknown, plain
from .process import Run, run

TOKEN = "command:local:Command"
LOGGING = ("stdout", "stderr", "stdoutAndStderr", "none")
# property -> type; the original's assetPaths and archivePaths are refused
INPUTS: dict[str, str] = {
    "create": "str",
    "update": "str",
    "delete": "str",
    "dir": "str",
    "stdin": "str",
    "environment": "{str}",
    "interpreter": "[str]",
    "triggers": "[any]",
    "logging": "str",
    "addPreviousOutputInEnv": "bool",
}


class CommandProvider(Provider):
    name = "command"
    version = "1.2.1"

    @answers
    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        _known(request.urn)
        failures = _failures(plain(decode(request.news)))
        return pb.CheckResponse(
            inputs=request.news, failures=[pb.CheckFailure(property=name, reason=why) for name, why in failures]
        )

    @answers
    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        ignored = set(request.ignoreChanges)
        found = changes(plain(decode(request.old_inputs)), plain(decode(request.news)))
        found = [change for change in found if change.path[0] not in ignored]
        return detailed(found, replaces=lambda change: change.path[0] == "triggers", input_diff=True)

    @answers
    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        inputs = decode(request.properties)
        if request.preview:
            return pb.CreateResponse(properties=encode(_preview(inputs)))
        outputs = self._run("create", request, inputs, {})
        name = request.urn.rsplit("::", 1)[-1]
        return pb.CreateResponse(id=f"{name}{secrets.token_hex(4)}", properties=encode(outputs))

    @answers
    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        inputs = decode(request.news)
        if request.preview:
            return pb.UpdateResponse(properties=encode(_preview(inputs)))
        step = "update" if "update" in inputs else "create"
        return pb.UpdateResponse(properties=encode(self._run(step, request, inputs, decode(request.olds))))

    @answers
    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        old = decode(request.properties)  # the state's own command, environment and directory
        self._run("delete", request, old, old)
        return empty_pb2.Empty()

    @answers
    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        raise PluginError(f"the local cloud's command plugin does not offer the function {request.tok}")

    def _run(self, step: str, request: Any, inputs: Object, previous: Object) -> Object:
        """The new outputs after running the command of `step`, if there is one."""
        values = plain(inputs)
        command = values.get(step)
        stdout, stderr = (plain(previous.get(name, "")) for name in ("stdout", "stderr"))
        if command:
            stdout, stderr = run(
                self._describe(command, request.urn, values, plain(previous)), self.cancelled, request.timeout
            )
        kept = {name: value for name, value in inputs.items() if name in INPUTS}
        # Every output depends on every input: one secret among them makes what the command printed secret.
        seal = Secret if has_secret(kept) else lambda text: text
        return {**kept, "stdout": seal(stdout), "stderr": seal(stderr)}

    def _describe(self, command: str, urn: str, values: Object, previous: Object) -> Run:
        environment = {}
        if values.get("addPreviousOutputInEnv", True):
            names = {"PULUMI_COMMAND_STDOUT": "stdout", "PULUMI_COMMAND_STDERR": "stderr"}
            environment = {name: previous[stream] for name, stream in names.items() if previous.get(stream)}
        logging = values.get("logging", "stdoutAndStderr")

        def show(line: str) -> None:
            self.engine.log(urn, line, ephemeral=True)

        return Run(
            command=command,
            interpreter=values.get("interpreter") or ["/bin/sh", "-c"],
            environment={**environment, **values.get("environment", {})},
            directory=values.get("dir"),
            stdin=values.get("stdin"),
            show_stdout=show if logging in ("stdout", "stdoutAndStderr") else None,
            show_stderr=show if logging in ("stderr", "stdoutAndStderr") else None,
        )


def _known(urn: str) -> None:
    token = urn.split("::")[2].split("$")[-1]
    if token != TOKEN:
        raise PluginError(f"the local cloud's command plugin does not offer the type {token}; it offers {TOKEN}")


def _preview(inputs: Object) -> Object:
    kept = {name: value for name, value in inputs.items() if name in INPUTS}
    seal = Secret if has_secret(kept) else lambda text: text
    return {**kept, "stdout": seal(UNKNOWN), "stderr": seal(UNKNOWN)}


def _failures(values: Object) -> list[tuple[str, str]]:
    found = []
    for name, value in values.items():
        if name == "__defaults":
            continue
        if name not in INPUTS:
            found.append((name, f"{TOKEN} has no property '{name}' on the local cloud"))
        elif not has_unknown(value) and not _fits(value, INPUTS[name]):
            found.append((name, f"{TOKEN} wants {name} to be {INPUTS[name]}, got {type(value).__name__}"))
    if values.get("logging", "none") not in (*LOGGING, UNKNOWN):
        found.append(("logging", f"logging is one of {', '.join(LOGGING)}, got {values['logging']!r}"))
    return found


def _fits(value: Any, wanted: str) -> bool:
    if wanted == "{str}":
        return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
    if wanted == "[str]":
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if wanted == "[any]":
        return isinstance(value, list)
    return isinstance(value, bool if wanted == "bool" else str)
