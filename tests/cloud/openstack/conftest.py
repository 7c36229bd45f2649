"""One local OpenStack whose servers boot, and a caller of its services."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from localcloud.polling import until
from tests.cloud.project import ROOT
from tests.ports import free_port


class Place:
    """The cloud in a directory of its own: its variables, its control, and its end."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self.variables: dict[str, str] = {}

    def start(self) -> None:
        """Have it answer; again after its process was killed."""
        self.variables = json.loads(self._do("start", "--port", str(self.port)))

    def stop(self) -> None:
        self._do("stop")

    def pid(self) -> int:
        return int(json.loads((self.home / "server.json").read_text())["pid"])

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What the service answers to a token of the user's."""
        url = self.variables["LOCALCLOUD_OPENSTACK"]
        user = {"username": "local", "password": self.variables["OS_PASSWORD"]}
        auth = {"auth": {"tenantId": "local", "passwordCredentials": user}}
        token = requests.post(f"{url}/identity/v2.0/tokens", json=auth, timeout=10).json()["access"]["token"]["id"]
        answer = requests.request(method, url + path, json=body, headers={"X-Auth-Token": token}, timeout=30)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def fault(self, **fault: Any) -> None:
        self.ask("POST", "/faults", [fault])

    def servers(self) -> list[Mapping[str, Any]]:
        return list(self.ask("GET", "/compute/v2/local/servers/detail")["servers"])

    def _do(self, word: str, *options: str) -> str:
        command = [sys.executable, "-m", "localcloud.openstack", word, "--home", str(self.home), *options]
        return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


class Shell:
    """SSH to a server's floating IP."""

    def __init__(self, directory: Path, address: str) -> None:
        self._directory, self._address = directory, address

    def run(self, command: str, stdin: bytes = b"", known: str = "") -> subprocess.CompletedProcess[bytes]:
        """The command's end; with `known`, a public host key, only of the server that has it."""
        hosts = self._directory / "known_hosts"
        hosts.write_text(f"{self._address} {known}\n" if known else "")
        strict = "yes" if known else "accept-new"
        options = {
            "UserKnownHostsFile": hosts,
            "StrictHostKeyChecking": strict,
            "BatchMode": "yes",
            "ConnectTimeout": 5,
        }
        words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        argv = ["ssh", "-i", str(self._directory / "login"), *words, f"debian@{self._address}", command]
        return subprocess.run(argv, input=stdin, capture_output=True, timeout=60)

    def reachable(self, seconds: float = 30.0) -> bool:
        return until(lambda: self.run("true").returncode == 0, seconds, 0.3)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    found = Place(tmp_path_factory.mktemp("openstack"))
    found.start()
    try:
        yield found
    finally:
        found.stop()
