"""An OpenStack cloud without Docker: its computers only remember what was done to them."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from localcloud.openstack import life, seeds
from localcloud.openstack.cloud import Cloud
from localcloud.openstack.computers import Launch
from localcloud.openstack.server import Front
from localcloud.polling import until
from localcloud.web import LoopbackServer

PASSWORD = "made-up"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG6/8ZntwXAa82o243Eywiu1ccPtXNfmQFMg5ST0S2WI"


class Computers:
    """Which computers there are, which run, which disks were kept."""

    subnet = "10.9.9.0/24"

    content = "sha256:first"  # of the cloud's own image

    def __init__(self) -> None:
        self.launches: dict[str, Launch] = {}
        self.on: set[str] = set()
        self.disks: list[str] = []
        self.forgotten: list[str] = []

    def create(self, launch: Launch) -> None:
        self.launches[launch.server_id] = launch

    def start(self, server_id: str) -> None:
        self.on.add(server_id)

    def stop(self, server_id: str) -> None:
        self.on.discard(server_id)

    def console(self, server_id: str) -> str:
        return "login:"

    def remove(self, server_id: str) -> None:
        self.on.discard(server_id)
        self.launches.pop(server_id, None)

    def commit(self, server_id: str, disk_id: str) -> int:
        self.disks.append(disk_id)
        return 1000

    def copy(self, disk: str, copy_id: str) -> int:
        self.disks.append(copy_id)
        return 1000

    def forget(self, disk_id: str) -> None:
        self.forgotten.append(disk_id)

    def base(self) -> tuple[str, int]:
        return self.content, 1000

    def running(self) -> dict[str, int]:
        return dict.fromkeys(self.on, 0)


class Caller:
    """Who uses the cloud: a token, and short words for what tests do again and again."""

    def __init__(self, cloud: Cloud, computers: Computers, url: str) -> None:
        self.cloud, self.computers, self.url = cloud, computers, url
        self.session = requests.Session()
        self.session.headers["X-Auth-Token"] = self.token()

    def token(self) -> str:
        asked = {"auth": {"tenantId": "local", "passwordCredentials": {"username": "local", "password": PASSWORD}}}
        answer = requests.post(f"{self.url}/identity/v2.0/tokens", json=asked, timeout=10)
        return str(answer.json()["access"]["token"]["id"])

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The status and what the answer says."""
        answer = self.session.request(method, self.url + path, json=body, timeout=10)
        return answer.status_code, json.loads(answer.content) if answer.content else None

    def compute(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        return self.ask(method, f"/compute/v2/local{path}", body)

    def volume(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        return self.ask(method, f"/volume/v2/local{path}", body)

    def network(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        return self.ask(method, f"/network/v2.0{path}", body)

    def image(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        return self.ask(method, f"/image/v2/images{path}", body)

    def fault(self, **fault: Any) -> None:
        assert self.ask("POST", "/faults", [fault])[0] == 200

    def asked_server(self, name: str = "one", *, flavor: str = "m2.small", **changes: Any) -> dict[str, Any]:
        """The body of a request for a server."""
        flavors = {found["name"]: found for found in self.compute("GET", "/flavors/detail")[1]["flavors"]}
        image = self.image("GET", "?name=debian-12")[1]["images"][0]["id"]
        where = "local" if flavor.startswith("u2") else "volume"
        root = {"uuid": image, "source_type": "image", "destination_type": where, "volume_size": 20, "boot_index": 0}
        server = {"name": name, "flavorRef": flavors[flavor]["id"], "imageRef": ""}
        server |= {"block_device_mapping_v2": [root | {"delete_on_termination": True}]}
        return {"server": server | changes}

    def server(self, name: str = "one", *, status: str = "ACTIVE", **changes: Any) -> str:
        """A server that has come to this status."""
        code, body = self.compute("POST", "/servers", self.asked_server(name, **changes))
        assert code == 202, body
        key = str(body["server"]["id"])
        self.until(lambda: self.shown(key)["status"] == status)
        return key

    def shown(self, key: str) -> dict[str, Any]:
        return dict(self.compute("GET", f"/servers/{key}")[1]["server"])

    def act(self, key: str, word: str, body: Any = None) -> tuple[int, Any]:
        return self.compute("POST", f"/servers/{key}/action", {word: body})

    def stopped(self, name: str = "one", **changes: Any) -> str:
        key = self.server(name, **changes)
        assert self.act(key, "os-stop")[0] == 202
        self.until(lambda: self.shown(key)["status"] == "SHUTOFF")
        return key

    def root(self, key: str) -> str:
        """The id of the server's volume."""
        return str(self.compute("GET", f"/servers/{key}/os-volume_attachments")[1]["volumeAttachments"][0]["volumeId"])

    def upload(self, volume: str, name: str = "baked") -> str:
        """Begin to make an image of a volume."""
        asked = {"image_name": name, "force": True, "disk_format": "raw", "container_format": "bare"}
        code, body = self.volume("POST", f"/volumes/{volume}/action", {"os-volume_upload_image": asked})
        assert code == 202, body
        return str(body["os-volume_upload_image"]["image_id"])

    def status_of_image(self, key: str) -> str:
        code, body = self.image("GET", f"/{key}")
        return str(body["status"]) if code == 200 else "gone"

    def until(self, holds: Callable[[], bool], seconds: float = 5.0) -> None:
        assert until(holds, seconds, 0.01)


@contextmanager
def cloud_of_tests(directory: Path, file: Path | None = None) -> Iterator[Caller]:
    """A cloud that answers, and its caller."""
    computers = Computers()
    cloud = Cloud(port=9, password=PASSWORD, computers=computers, file=file)
    seeds.plant(cloud)
    life.resume(cloud)
    with LoopbackServer(Front(cloud, directory / "mirror").handle) as server:
        yield Caller(cloud, computers, server.url)
    cloud.close()
    time.sleep(0.1)
