"""SSM Run Command to the hosts: the same scripts, and no port is opened."""

import base64
import threading
import time
import uuid
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import ClientError

from actions.clients import Clients
from actions.hosts.host import Host, HostError
from actions.hosts.machine import ComposeMachine, Project
from actions.hosts.patience import Patience
from actions.hosts.session import Output, Session
from actions.lifeline import Cancellation
from actions.permissions import refusal

POLL_SECONDS = 1.0
PAGE = 15000  # bytes; as base64 they fit into the 24000 characters that an invocation keeps
UNREGISTERED = "InvalidInstanceId"
UNDER_WAY = ("Pending", "InProgress", "Delayed", "Cancelling")

# The output waits in a directory of the host's memory file system until its last page was read.
RUN = """d=/run/infra-release-{run}; mkdir -m 700 "$d"
printf %s {script} | base64 -d | sh >"$d/out" 2>"$d/err"; code=$?
printf '%s %s ' "$code" "$(wc -c <"$d/out")"
cat "$d/out" "$d/err" >"$d/all"; wc -c <"$d/all"
"""
READ = """d=/run/infra-release-{run}
tail -c +{start} "$d/all" | head -c {page} | base64 -w 0
[ "$(wc -c <"$d/all")" -ge {end} ] || rm -rf "$d"
"""


class SsmAccess:
    """The hosts over SSM Run Command; there is nothing to open and nothing to close."""

    def __init__(self, aws: Clients, project: Project, cancellation: Cancellation) -> None:
        self._aws, self._project, self._cancellation = aws, project, cancellation
        self.patience = Patience()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing was opened."""

    def machine(self, host: Host) -> ComposeMachine:
        return ComposeMachine(host, self.session(host), self._project)

    def session(self, host: Host) -> Session:
        return SsmSession(host, self._aws, self._cancellation, self.patience)


class SsmSession:
    """One host's scripts as SSM commands, one at a time."""

    def __init__(self, host: Host, aws: Clients, cancellation: Cancellation, patience: Patience) -> None:
        self._host, self._aws = host, aws
        self._cancellation, self._patience = cancellation, patience
        self._using = threading.Lock()

    def run(self, script: str, timeout_seconds: float) -> Output:
        with self._using:
            deadline, run = time.monotonic() + timeout_seconds, uuid.uuid4().hex
            packed = base64.b64encode(script.encode()).decode()
            first = self._command(RUN.format(run=run, script=packed) + _page(run, 1), deadline)
            status, _, encoded = first.partition("\n")
            code, out_size, size = (int(number) for number in status.split())
            data = base64.b64decode(encoded)
            while len(data) < size:
                data += base64.b64decode(self._command(_page(run, len(data) + 1), deadline))
            text = data[:out_size].decode(errors="replace"), data[out_size:].decode(errors="replace")
            return Output(code=code, out=text[0], err=text[1])

    def _command(self, script: str, deadline: float) -> str:
        command = self._start(script, deadline)
        while True:
            self._cancellation.wait(POLL_SECONDS)
            answer = self._invocation(command)
            if answer is not None and answer["Status"] not in UNDER_WAY:
                if answer["Status"] != "Success":
                    detail = answer["StandardErrorContent"].strip() or answer["StatusDetails"]
                    raise HostError(f"{self._host.name}: SSM ended {answer['Status']}: {detail}")
                return str(answer["StandardOutputContent"])
            if time.monotonic() > deadline:
                raise HostError(f"{self._host.name}: a script did not end in time")

    def _start(self, script: str, deadline: float) -> str:
        """The command's id. An instance that still boots is unknown to SSM at first."""
        patience = time.monotonic() + self._patience.boot
        while True:
            try:
                answer = self._aws("ssm").send_command(
                    InstanceIds=[self._host.instance],
                    DocumentName="AWS-RunShellScript",
                    Parameters={
                        "commands": [script],
                        "executionTimeout": [str(max(1, round(deadline - time.monotonic())))],
                    },
                )
                return str(answer["Command"]["CommandId"])
            except ClientError as error:
                if error.response["Error"]["Code"] != UNREGISTERED:
                    raise HostError(f"{self._host.name}: SSM refuses the command: {refusal(error)}") from error
                if time.monotonic() > patience:
                    raise HostError(
                        f"{self._host.name}: SSM does not know {self._host.instance}: its agent does not run or its "
                        "role lacks AmazonSSMManagedInstanceCore"
                    ) from error
            self._cancellation.wait(POLL_SECONDS)

    def _invocation(self, command: str) -> dict[str, Any] | None:
        try:
            answer: dict[str, Any] = self._aws("ssm").get_command_invocation(
                CommandId=command, InstanceId=self._host.instance
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "InvocationDoesNotExist":
                return None  # it has not reached the instance yet
            raise HostError(f"{self._host.name}: SSM does not tell the outcome: {refusal(error)}") from error
        return answer


def _page(run: str, start: int) -> str:
    return READ.format(run=run, start=start, page=PAGE, end=start + PAGE)
