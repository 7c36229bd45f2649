"""What can be made to go wrong, and how long things take.

`POST /faults [{"on": NAME, "times": 2, …}]` arms, `DELETE /faults` disarms all, `GET /faults` tells what is left.
An HTTP fault takes "method" and "path" (a regular expression) to choose its requests, a fault of a server or image
takes "name" (one too) to choose whom it befalls.
"""

import re
import threading
from typing import Any

from localcloud.openstack.model import Answer, Thing, keystone, nova

FAULTS = {
    "server-error": "the next server goes to ERROR while it is built",
    "no-ssh": "the next server lets nobody reach its port 22",
    "other-host-key": "the next server makes host keys of its own, whatever its user data says",
    "stop-hangs": "the next os-stop leaves the server in powering-off for `seconds` (3600)",
    "image-killed": "the next image ends as killed",
    "image-queued": "the next image falls back to queued, as Glance does when an upload fails",
    "image-vanishes": "the next image is gone while it is saved",
    "image-stuck": "the next image stays in saving for `seconds` (3600)",
    "delete-refused": "the next DELETE of a server, volume or image is refused with 409",
    "token-expires": "every token given so far is worth nothing from the next request on",
    "too-many-requests": "a request is refused with 429 and Retry-After `retryAfter` (1)",
    "unavailable": "a request is refused with 503",
    "lost-answer": "a request is carried out and its answer lost: the connection is cut",
    "cut-upload": "an SSH connection is cut after `bytes` bytes (1000000) were sent to the server",
}
LATENCIES = {
    "request": "before each answer",
    "boot": "from the request of a server to its start",
    "stop": "of os-stop, besides the shutdown itself",
    "image": "while an image is saved",
    "settle": "from the image's `active` until the server's task or the volume's upload is over",
    "delete": "of a server or volume",
}
USUAL = {"settle": 0.5}


class Faults:
    """Armed faults and latencies; thread-safe."""

    def __init__(self) -> None:
        self._armed: list[Thing] = []
        self._latencies: dict[str, float] = dict(USUAL)
        self._lock = threading.Lock()

    def take(self, name: str, whom: str = "", method: str = "", path: str = "") -> Thing | None:
        """The armed fault that befalls this one, used up by one time; None for most."""
        with self._lock:
            for fault in self._armed:
                if fault["on"] != name or not _meant(fault, whom, method, path):
                    continue
                fault["times"] -= 1
                if fault["times"] <= 0:
                    self._armed.remove(fault)
                return dict(fault)
        return None

    def seconds(self, name: str) -> float:
        """How long it takes."""
        with self._lock:
            return self._latencies.get(name, 0.0)

    def control_faults(self, method: str, body: Any) -> Answer:
        """`/faults`"""
        if method == "POST":
            wanted = body if isinstance(body, list) else [body]
            for fault in wanted:
                if not isinstance(fault, dict) or fault.get("on") not in FAULTS:
                    raise nova(400, f"a fault's `on` is one of {', '.join(FAULTS)}")
            with self._lock:
                self._armed += [{"times": 1, **fault} for fault in wanted]
        elif method == "DELETE":
            with self._lock:
                self._armed.clear()
        return Answer(body=self._armed)

    def control_latencies(self, method: str, body: Any) -> Answer:
        """`/latencies`: seconds by name."""
        if method == "POST":
            if not isinstance(body, dict) or not set(body) <= set(LATENCIES):
                raise nova(400, f"latencies are seconds by {', '.join(LATENCIES)}")
            with self._lock:
                self._latencies |= {name: float(value) for name, value in body.items()}
        elif method == "DELETE":
            with self._lock:
                self._latencies = dict(USUAL)
        return Answer(body=self._latencies)

    def refusal(self, method: str, path: str) -> Answer | None:
        """The answer of a service that does not do its part now; None when it does."""
        for name, status, word in (("too-many-requests", 429, "overLimit"), ("unavailable", 503, "serviceUnavailable")):
            fault = self.take(name, method=method, path=path)
            if fault:
                headers = {"Retry-After": str(fault.get("retryAfter", 1))} if status == 429 else {}
                return Answer(status=status, body={word: {"code": status, "message": name}}, headers=headers)
        return None


def _meant(fault: Thing, whom: str, method: str, path: str) -> bool:
    if "method" in fault and fault["method"] != method:
        return False
    if "path" in fault and not re.search(fault["path"], path):
        return False
    return "name" not in fault or re.search(fault["name"], whom) is not None


def unauthorized() -> Answer:
    """Keystone's word for no token, a wrong one and an old one."""
    return keystone(401, "The request you have made requires authentication.").answer
