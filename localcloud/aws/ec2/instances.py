"""The life of an instance: its states as on AWS, with a machine behind them."""

import base64
import logging
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from localcloud.aws.ec2.engine import Record, Response, concurrency, ec2, every_instance
from localcloud.aws.ec2.machine import Launch, Machine, Machines

PENDING, RUNNING = {"Code": 0, "Name": "pending"}, {"Code": 16, "Name": "running"}
SHUTTING_DOWN, TERMINATED = {"Code": 32, "Name": "shutting-down"}, {"Code": 48, "Name": "terminated"}
STOPPING, STOPPED = {"Code": 64, "Name": "stopping"}, {"Code": 80, "Name": "stopped"}
logger = logging.getLogger("localcloud.ec2")

Started = Callable[[Record, Machine], None]  # called after every boot, before the instance counts as running

Work = Callable[[Record], None]


class Instances:
    """Handlers of the actions that change an instance; each answers at once, the machine follows on a thread."""

    def __init__(self, machines: Machines, started: Started) -> None:
        self._machines = machines
        self._started = started
        self._placing = threading.Lock()  # instances are launched side by side, and no two may have one address
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)  # one change of a machine at a time

    # -- launch ---

    def launch(self, original: Any) -> Any:
        """In place of MiniStack's `_launch_instances_internal`: its records, and a machine for each."""

        def launched(*args: Any, **kwargs: Any) -> list[Record]:
            created: list[Record] = original(*args, **kwargs)
            for instance in created:
                with self._placing:
                    self._place(instance)
                instance["State"] = dict(PENDING)
                concurrency.spawn_background(self._first_start, instance, thread_name=instance["InstanceId"])
            return created

        return launched

    def _place(self, instance: Record) -> None:
        """Give the instance the address its machine will have."""
        taken = [
            record["PrivateIpAddress"] for _, record in every_instance() if record["State"]["Name"] != "terminated"
        ]
        address = self._machines.network.free_address(taken)
        name = address.replace(".", "-")
        instance.update(
            PrivateIpAddress=address,
            PrivateDnsName=f"ip-{name}.ec2.internal",
            PublicIpAddress=address,
            PublicDnsName=f"ec2-{name}.compute-1.amazonaws.com",
        )

    def _first_start(self, instance: Record) -> None:
        def create() -> Machine:
            key = ec2._key_pairs.get(instance.get("KeyName") or "") or {}
            return self._machines.create(
                Launch(
                    instance_id=instance["InstanceId"],
                    address=instance["PrivateIpAddress"],
                    user_data=base64.b64decode(instance.get("UserData") or ""),
                    authorized_key=str(key.get("PublicKey") or ""),
                )
            )

        with self._locks[instance["InstanceId"]]:
            self._boot(instance, create, TERMINATED)

    def _boot(self, instance: Record, find: Callable[[], Machine], otherwise: Record) -> None:
        """Start the machine; on failure the instance ends in the other state, with AWS's kind of reason."""
        if instance["State"]["Name"] != "pending":
            return  # terminated before its machine was made
        try:
            machine = find()
            machine.start()
            self._started(instance, machine)
        except Exception as error:
            logger.error("instance %s does not start: %s", instance["InstanceId"], error)
            instance["StateReason"] = {"Code": "Server.InternalError", "Message": str(error)}
            self._machines.machine(instance["InstanceId"]).remove()
            self._settle(instance, "pending", otherwise)
        else:
            self._settle(instance, "pending", RUNNING)

    def _settle(self, instance: Record, before: str, state: Record) -> None:
        """Enter the state unless the instance was asked for another one meanwhile."""
        if instance["State"]["Name"] == before:
            instance["State"] = dict(state)

    # -- later changes ---

    def stop(self, params: Record) -> Response:
        return self._change(
            params, "StopInstances", {"pending", "running"}, {"stopping", "stopped"}, STOPPING, self._stop
        )

    def start(self, params: Record) -> Response:
        return self._change(params, "StartInstances", {"stopped"}, {"pending", "running"}, PENDING, self._start)

    def terminate(self, params: Record) -> Response:
        kept = {"shutting-down", "terminated"}
        movable = {"pending", "running", "stopping", "stopped"}
        return self._change(params, "TerminateInstances", movable, kept, SHUTTING_DOWN, self._remove)

    def reboot(self, params: Record) -> Response:
        """RebootInstances: the instance stays `running` all the while, as on AWS."""
        chosen, refusal = _named(params, "reboot", {"running"})
        for instance in chosen:
            concurrency.spawn_background(self._reboot, instance, thread_name=instance["InstanceId"])
        return refusal or ec2._xml(200, "RebootInstancesResponse", "<return>true</return>")

    def _change(
        self,
        params: Record,
        action: str,
        movable: set[str],
        kept: set[str],
        state: Record,
        work: Callable[[Record], None],
    ) -> Response:
        chosen, refusal = _named(params, action.removesuffix("Instances").lower(), movable | kept)
        if refusal:
            return refusal
        shown = []
        for instance in chosen:
            before = instance["State"]
            if before["Name"] in movable:
                instance["State"] = dict(state)
                concurrency.spawn_background(work, instance, thread_name=instance["InstanceId"])
            shown.append(_change_xml(instance, before))
        return ec2._xml(200, f"{action}Response", f"<instancesSet>{''.join(shown)}</instancesSet>")

    def _stop(self, instance: Record) -> None:
        with self._locks[instance["InstanceId"]]:
            self._machines.machine(instance["InstanceId"]).stop()
            self._settle(instance, "stopping", STOPPED)

    def _start(self, instance: Record) -> None:
        with self._locks[instance["InstanceId"]]:
            self._boot(instance, lambda: self._machines.machine(instance["InstanceId"]), STOPPED)

    def _reboot(self, instance: Record) -> None:
        with self._locks[instance["InstanceId"]]:
            machine = self._machines.machine(instance["InstanceId"])
            machine.stop()
            machine.start()
            self._started(instance, machine)

    def _remove(self, instance: Record) -> None:
        with self._locks[instance["InstanceId"]]:
            self._machines.machine(instance["InstanceId"]).remove()
            instance["State"] = dict(TERMINATED)
            instance["StateReason"] = {
                "Code": "Client.UserInitiatedShutdown",
                "Message": "Client.UserInitiatedShutdown: User initiated shutdown",
            }
            instance["_terminated_at"] = ec2.time.time()
            association = ec2._find_active_iam_instance_profile_association(instance["InstanceId"])
            if association:
                ec2._mark_iam_instance_profile_association_disassociated(association)

    def reconcile(self, instances: list[Record]) -> None:
        """In place of MiniStack's `_vm_reconcile_running`: a machine that shut itself down is a stopped instance."""
        if not any(instance["State"]["Name"] == "running" for instance in instances):
            return
        up = self._machines.running()
        for instance in instances:
            lock = self._locks[instance["InstanceId"]]
            if (
                instance["State"]["Name"] != "running"
                or instance["InstanceId"] in up
                or not lock.acquire(blocking=False)
            ):
                continue  # as it should be, or being changed
            try:
                if instance["InstanceId"] not in self._machines.running():
                    self._settle(instance, "running", STOPPED)
            finally:
                lock.release()


def _named(params: Record, verb: str, allowed: set[str]) -> tuple[list[Record], Response | None]:
    """The instances a request names, or why it is refused."""
    found = []
    for identifier in ec2._parse_member_list(params, "InstanceId"):
        if not ec2._INSTANCE_ID_RE.match(identifier):
            return [], ec2._error("InvalidInstanceID.Malformed", f'Invalid id: "{identifier}"', 400)
        instance = ec2._instances.get(identifier)
        if instance is None:
            message = f"The instance ID '{identifier}' does not exist"
            return [], ec2._error("InvalidInstanceID.NotFound", message, 400)
        if instance["State"]["Name"] not in allowed:
            message = f"The instance '{identifier}' is not in a state from which it can be {_PARTICIPLES[verb]}."
            return [], ec2._error("IncorrectInstanceState", message, 400)
        found.append(instance)
    return found, None


_PARTICIPLES = {"stop": "stopped", "start": "started", "terminate": "terminated", "reboot": "rebooted"}


def _change_xml(instance: Record, before: Record) -> str:
    now = instance["State"]
    return (
        f"<item><instanceId>{instance['InstanceId']}</instanceId>"
        f"<previousState><code>{before['Code']}</code><name>{before['Name']}</name></previousState>"
        f"<currentState><code>{now['Code']}</code><name>{now['Name']}</name></currentState></item>"
    )
