"""SSM Run Command: AWS-RunShellScript really run, as root, in the machine of each instance."""

import json
import logging
import threading
import time
from typing import Any

from localcloud.aws.ec2.engine import Record, Response, ec2, evaluator, refuse, reply, role_of, scope, ssm
from localcloud.aws.ec2.machine import Machine, Machines
from localcloud.aws.ec2.metadata import trusts_ec2

DEFAULT_SECONDS = 3600  # AWS-RunShellScript's executionTimeout
PLUGIN_OUTPUT = 2500  # characters of ListCommandInvocations
_ENDED = ("Success", "Failed", "Cancelled", "TimedOut")
logger = logging.getLogger("localcloud.ssm")


class Commands:
    """In place of MiniStack's parts that would run a command without its limits, and of those it lacks."""

    def __init__(self, machines: Machines) -> None:
        self._machines = machines

    def install(self, handlers: Record) -> None:
        """Put the parts in place."""
        ssm._managed_instance_ids = self.managed
        ssm._command_target_ids = targets
        ssm._shell_argv = lambda data: data  # what it returns is handed to the next one
        ssm._finish_invocation = self.run
        ssm._refresh_command_status = _roll_up
        send = ssm._send_command

        def send_command(data: Record) -> Response:
            problem = _problem(data)
            return problem or send(data)

        ssm._send_command = send_command
        handlers["ssm"] = self._handler(handlers["ssm"])

    def managed(self) -> set[str]:
        """The instances whose agent could register: running, with a role that EC2 may assume and that allows it."""
        return {
            identifier
            for identifier, instance in ec2._instances.items()
            if instance["State"]["Name"] == "running" and _may_register(instance)
        }

    def run(self, command_id: str, instance_id: str, data: Record) -> None:
        """Run one invocation to its end; on its own thread, in the scope of the request that sent it."""
        record = ssm._commands[command_id]
        invocation = record["Invocations"][instance_id]
        if invocation["Status"] != "Pending":
            return  # cancelled before it began
        machine = self._machines.machine(instance_id)
        invocation.update(Status="InProgress", StatusDetails="InProgress", ExecutionStartDateTime=ssm._now_iso())
        _roll_up(record)
        started = time.monotonic()
        unit = _unit(command_id)
        seconds = int(_parameter(data, "executionTimeout") or DEFAULT_SECONDS)
        over = threading.Event()

        def end() -> None:
            over.set()
            _end(machine, unit)

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            code, out, err = machine.run(*_argv(unit, data))
        finally:
            timer.cancel()
        status, details = ("Success", "Success") if code == 0 else ("Failed", "Failed")
        if over.is_set():
            code, status, details = 137, "TimedOut", "ExecutionTimedOut"
        elif invocation["StatusDetails"] == "Cancelling":
            code, status, details = 137, "Cancelled", "Cancelled"
        invocation.update(
            ResponseCode=code,
            StandardOutputContent=out[: ssm._STDOUT_LIMIT],
            StandardErrorContent=err[: ssm._STDERR_LIMIT],
            ExecutionElapsedTime=f"PT{time.monotonic() - started:.3f}S",
            ExecutionEndDateTime=ssm._now_iso(),
            StatusDetails=details,
        )
        invocation["Status"] = status  # last: who sees the end also sees the output
        _roll_up(record)

    def cancel(self, data: Record) -> Response:
        """CancelCommand: what has not ended is killed."""
        record = ssm._commands.get(data.get("CommandId") or "")
        if record is None:
            return refuse("InvalidCommandId", "The specified command ID isn't valid.")
        wanted = data.get("InstanceIds") or list(record["Invocations"])
        for instance_id in wanted:
            invocation = record["Invocations"].get(instance_id)
            if invocation is None:
                return refuse("InvalidInstanceId", f"The command was not sent to {instance_id}.")
            if invocation["Status"] == "Pending":
                invocation.update(Status="Cancelled", StatusDetails="Cancelled")
            elif invocation["Status"] == "InProgress":
                invocation["StatusDetails"] = "Cancelling"
                machine = self._machines.machine(instance_id)
                threading.Thread(target=_end, args=(machine, _unit(record["CommandId"])), daemon=True).start()
        _roll_up(record)
        return reply({})

    def list_invocations(self, data: Record) -> Response:
        """ListCommandInvocations, page by page."""
        command, instance = data.get("CommandId"), data.get("InstanceId")
        found = [
            _listed(record, invocation, bool(data.get("Details")))
            for record in ssm._commands.values()
            if not command or record["CommandId"] == command
            for invocation in record["Invocations"].values()
            if not instance or invocation["InstanceId"] == instance
        ]
        start = ssm._decode_next_token(data["NextToken"]) if data.get("NextToken") else 0
        end = start + int(data.get("MaxResults") or ssm.DEFAULT_PAGE_SIZE)
        more = {"NextToken": ssm._encode_next_token(end)} if end < len(found) else {}
        return reply({"CommandInvocations": found[start:end], **more})

    def _handler(self, original: Any) -> Any:
        """MiniStack's handler with the two actions it lacks."""
        own = {"ListCommandInvocations": self.list_invocations, "CancelCommand": self.cancel}

        async def handle(method: str, path: str, headers: Any, body: bytes, query: Any) -> Response:
            action = own.get(str(headers.get("x-amz-target", "")).rpartition(".")[2])
            if action is None:
                return await original(method, path, headers, body, query)
            return action(json.loads(body or b"{}"))

        return handle


def _problem(data: Record) -> Response | None:
    if data.get("DocumentName") not in ssm._SHELL_DOCUMENTS:
        return refuse("InvalidDocument", f"Document with name {data.get('DocumentName')} does not exist.")
    if not _lines(data):
        return refuse("InvalidParameters", "The parameter commands is required.")
    return None


def targets(data: Record) -> list[str]:
    """The instances a command addresses: by id, or by the tags of those that are managed."""
    chosen = list(data.get("InstanceIds") or [])
    managed: set[str] | None = None
    for target in data.get("Targets") or []:
        key, values = target["Key"], target.get("Values") or []
        if key.lower() == "instanceids":
            chosen += values
        elif key.startswith("tag:"):
            managed = ssm._managed_instance_ids() if managed is None else managed
            wanted = {(key.removeprefix("tag:"), value) for value in values}
            chosen += [
                one
                for one in sorted(managed)
                if any((t["Key"], t["Value"]) in wanted for t in ec2._tags.get(one) or [])
            ]
    return list(dict.fromkeys(chosen))


def _tags_of(instance_id: str) -> set[tuple[str, str]]:
    return {(tag["Key"], tag["Value"]) for tag in ec2._tags.get(instance_id) or []}


def _may_register(instance: Record) -> bool:
    role = role_of(instance)
    if role is None or not trusts_ec2(role):
        return False
    account, region = scope()
    question = evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{account}:assumed-role/{role['RoleName']}/{instance['InstanceId']}",
        principal_type="AssumedRole",
        principal_account=account,
        action="ssm:UpdateInstanceInformation",
        resource_arn=f"arn:aws:ec2:{region}:{account}:instance/{instance['InstanceId']}",
        region=region,
    )
    policies = evaluator._gather_role_policies(role["RoleName"], account)
    return bool(evaluator.evaluate(question, policies).decision == "Allow")


def _parameter(data: Record, name: str) -> str:
    values = (data.get("Parameters") or {}).get(name) or [""]
    return str(values if isinstance(values, str) else values[0])


def _lines(data: Record) -> list[str]:
    lines = (data.get("Parameters") or {}).get("commands") or []
    return [lines] if isinstance(lines, str) else [str(line) for line in lines]


def _unit(command_id: str) -> str:
    return f"ssm-{command_id}"


def _argv(unit: str, data: Record) -> tuple[str, ...]:
    """The script as a unit of its own: ending the unit ends everything the script has started."""
    place = _parameter(data, "workingDirectory") or "/"
    options = ("--quiet", "--pipe", "--wait", "--collect", f"--unit={unit}", f"--property=WorkingDirectory={place}")
    return ("systemd-run", *options, "--setenv=HOME=/root", "/bin/sh", "-c", "\n".join(_lines(data)))


def _end(machine: Machine, unit: str) -> None:
    machine.run("systemctl", "kill", "--signal=SIGKILL", f"{unit}.service")


def _roll_up(record: Record) -> None:
    """The command's own state from its invocations'."""
    invocations = list(record["Invocations"].values())
    states = [invocation["Status"] for invocation in invocations]
    record["CompletedCount"] = sum(state in _ENDED for state in states)
    record["ErrorCount"] = sum(state in ("Failed", "TimedOut") for state in states)
    if record["CompletedCount"] < len(states):
        record["Status"] = record["StatusDetails"] = "InProgress"
        return
    worst = next((state for state in ("Failed", "TimedOut", "Cancelled") if state in states), "Success")
    record["Status"] = record["StatusDetails"] = worst


def _listed(record: Record, invocation: Record, details: bool) -> Record:
    shown = {
        "CommandId": record["CommandId"],
        "InstanceId": invocation["InstanceId"],
        "InstanceName": "",
        "Comment": record["Comment"],
        "DocumentName": record["DocumentName"],
        "DocumentVersion": record["DocumentVersion"],
        "RequestedDateTime": record["RequestedDateTime"],
        "Status": invocation["Status"],
        "StatusDetails": invocation["StatusDetails"],
        "CommandPlugins": [],
    }
    if details:
        output = invocation["StandardOutputContent"]
        if invocation["StandardErrorContent"]:
            output += f"\n----------ERROR-------\n{invocation['StandardErrorContent']}"
        plugin = {"Name": invocation["PluginName"], "Status": invocation["Status"]}
        plugin.update(StatusDetails=invocation["StatusDetails"], ResponseCode=invocation["ResponseCode"])
        shown["CommandPlugins"] = [{**plugin, "Output": output[:PLUGIN_OUTPUT]}]
    return shown
