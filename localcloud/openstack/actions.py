"""Nova: what can be asked of a server: stop, start, reboot, image, groups, console."""

import re
from typing import Any

from localcloud.openstack import imaging, life
from localcloud.openstack.images import add
from localcloud.openstack.model import Answer, Handler, Request, Thing, nova
from localcloud.openstack.server_view import VM_STATES, find


def act(request: Request, key: str) -> Answer:
    """POST /servers/{id}/action: exactly one word."""
    server = find(request.cloud.world, key)
    words = list(request.body) if isinstance(request.body, dict) else []
    if len(words) != 1 or words[0] not in ACTIONS:
        raise nova(400, f"There is no such action: {', '.join(map(str, words)) or 'none'}")
    return ACTIONS[words[0]](request, server, request.body[words[0]])


def _refuse(server: Thing, word: str, states: tuple[str, ...]) -> None:
    """409 unless the server is in one of the states and busy with nothing."""
    if server["_task"] is not None:
        task = server["_task"]
        raise nova(409, f"Cannot '{word}' instance {server['id']} while it is in task_state {task}")
    if server["status"] not in states:
        state = VM_STATES[server["status"]]
        raise nova(409, f"Cannot '{word}' instance {server['id']} while it is in vm_state {state}")


def _stop(request: Request, server: Thing, _: Any) -> Answer:
    _refuse(server, "stop", ("ACTIVE",))
    server["_task"] = "powering-off"
    request.cloud.later(life.stop, request.cloud, server)
    return Answer(status=202)


def _start(request: Request, server: Thing, _: Any) -> Answer:
    _refuse(server, "start", ("SHUTOFF",))
    server["_task"] = "powering-on"
    request.cloud.later(life.start, request.cloud, server)
    return Answer(status=202)


def _reboot(request: Request, server: Thing, _: Any) -> Answer:
    _refuse(server, "reboot", ("ACTIVE", "SHUTOFF"))
    server["_task"] = "rebooting"
    request.cloud.later(life.reboot, request.cloud, server)
    return Answer(status=202)


def _create_image(request: Request, server: Thing, asked: Any) -> Answer:
    """Only of a server whose root disk is its host's: NHN's U2. The answer names the image in Location only."""
    cloud = request.cloud
    if not isinstance(asked, dict) or not asked.get("name") or set(asked) - {"name", "metadata"}:
        raise nova(400, "Invalid input for field/attribute createImage.")
    _refuse(server, "createImage", ("ACTIVE", "SHUTOFF"))
    if server["_root"]["destination"] != "local":
        raise nova(400, "createImage is supported for instances with a local root disk only.")
    if cloud.world.full("images"):
        raise nova(403, "Quota exceeded, too many images.")
    base = server["_root"]["id"]
    properties = {"image_type": "snapshot", "instance_uuid": server["id"], "base_image_ref": base, "min_disk": 20}
    image = add(cloud.world, str(asked["name"]), {**properties, **(asked.get("metadata") or {})}, disk_format="qcow2")
    server |= {"_task": imaging.STEPS[0], "_imaging": image["id"]}
    cloud.later(imaging.of_server, cloud, server, image)
    return Answer(status=202, headers={"Location": f"{request.address}/image/v2/images/{image['id']}"})


def _change_group(adds: bool) -> Handler:
    def change(request: Request, server: Thing, asked: Any) -> Answer:
        world, name = request.cloud.world, str((asked or {}).get("name", ""))
        keys = [group["id"] for group in world.listed("groups") if name in (group["name"], group["id"])]
        if not keys:
            raise nova(404, f"Security group {name} not found for project local.")
        for port in [port for port in world.listed("ports") if port["device_id"] == server["id"]]:
            kept = [group for group in port["security_groups"] if group != keys[0]]
            port["security_groups"] = kept + keys[:1] if adds else kept
        return Answer(status=202)

    return change


def _console(request: Request, server: Thing, _: Any) -> Answer:
    _refuse(server, "get_console_output", ("ACTIVE",))
    return Answer(body={"output": request.cloud.computers.console(server["id"])})


ACTIONS: dict[str, Handler] = {
    "os-stop": _stop,
    "os-start": _start,
    "reboot": _reboot,
    "createImage": _create_image,
    "addSecurityGroup": _change_group(True),
    "removeSecurityGroup": _change_group(False),
    "os-getConsoleOutput": _console,
}
ROUTES: tuple[tuple[str, re.Pattern[str], Handler], ...] = (("POST", re.compile(r"/servers/([^/]+)/action"), act),)
