"""The EC2 of the local cloud: MiniStack's records and API, and behind every instance a machine that really boots.

`install` is the only place where MiniStack's EC2 module is changed.
"""

import base64
import binascii
from typing import Any
from xml.sax.saxutils import escape

from localcloud.aws.ec2 import attributes, images, key_pairs, passing
from localcloud.aws.ec2.commands import Commands
from localcloud.aws.ec2.elastic import Elastic
from localcloud.aws.ec2.engine import Record, Response, ec2
from localcloud.aws.ec2.firewall import Firewall
from localcloud.aws.ec2.instances import Instances
from localcloud.aws.ec2.machine import Machine, Machines


def install(machines: Machines, handlers: Record) -> Firewall:
    """Put the machines behind MiniStack's instances; call once per process, before requests are served."""
    firewall = Firewall(machines.machine, machines.network.gateway)
    elastic = Elastic(machines)

    def booted(instance: Record, machine: Machine) -> None:
        elastic.booted(instance, machine)
        firewall.booted(instance, machine)

    instances = Instances(machines, booted)
    images.publish()
    ec2._launch_instances_internal = instances.launch(ec2._launch_instances_internal)
    ec2._docker_touched = lambda: True
    ec2._vm_reconcile_running = instances.reconcile
    ec2._ACTION_MAP.update(
        RunInstances=run_instances(ec2._run_instances),
        StopInstances=instances.stop,
        StartInstances=instances.start,
        TerminateInstances=instances.terminate,
        RebootInstances=instances.reboot,
    )
    ec2._instance_xml = with_reason(ec2._instance_xml)
    handlers["ec2"] = passing.guarded(handlers["ec2"])
    attributes.install()
    elastic.install()
    key_pairs.install()
    Commands(machines).install(handlers)
    firewall.watch()
    return firewall


def run_instances(original: Any) -> Any:
    """RunInstances, refused where no machine could come of it."""

    def handler(params: Record) -> Response:
        image = ec2._p(params, "ImageId")
        if not images.boots(image):
            return ec2._error("InvalidAMIID.NotFound", f"The image id '[{image}]' does not exist", 400)
        problem = _user_data_problem(ec2._p(params, "UserData"))
        if problem:
            return ec2._error("InvalidParameterValue", problem, 400)
        return original(params)

    return handler


def _user_data_problem(encoded: str) -> str | None:
    try:
        script = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return "Invalid BASE64 encoding of user data."
    if script and not script.startswith(b"#!"):
        return "The local cloud runs user data that is a script and begins with #!, nothing else."
    return None


def with_reason(original: Any) -> Any:
    """An instance as DescribeInstances shows it, with the reason of its last change of state when there is one."""

    def xml(instance: Record) -> str:
        text = str(original(instance))
        reason = instance.get("StateReason")
        if not reason:
            return text
        shown = f"<code>{escape(reason['Code'])}</code><message>{escape(reason['Message'])}</message>"
        return f"{text[: text.rindex('</item>')]}<stateReason>{shown}</stateReason></item>"

    return xml
