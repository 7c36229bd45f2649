"""The assembled provider against the local OpenStack, and what becomes of the servers it makes."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.polling import until
from tests.cloud.openstack.conftest import Place, Shell

PROGRAM = Path(__file__).with_name("program.py")


class Stack:
    """The program with a state of its own."""

    def __init__(self, directory: Path, place: Place, run: str) -> None:
        self.directory, self.place = directory, place
        (directory / "state").mkdir()
        (directory / "Pulumi.yaml").write_text("name: double\nruntime: python\n")
        shutil.copy(PROGRAM, directory / "__main__.py")
        for name in ("login", "host"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / name], check=True)
        self.host_key = (directory / "host.pub").read_text().strip()
        keys = {"ed25519_private": (directory / "host").read_text(), "ed25519_public": self.host_key}
        (directory / "user-data").write_text("#cloud-config\n" + json.dumps({"ssh_keys": keys}))
        self.environment = {
            **os.environ,
            **place.variables,
            "RUN": run,
            "PULUMI_BACKEND_URL": (directory / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }
        self.pulumi("stack", "init", "double")

    def pulumi(self, *words: str, **changes: str) -> str:
        """What the engine says; an error when it fails."""
        done = subprocess.run(
            ["pulumi", *words, "--non-interactive", "--color=never"],
            cwd=self.directory,
            env=self.environment | changes,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        if done.returncode:
            raise AssertionError(done.stdout)
        return done.stdout

    def up(self, **changes: str) -> dict[str, Any]:
        self.pulumi("up", "--yes", "--skip-preview", **changes)
        return dict(json.loads(self.pulumi("stack", "output", "--json")))

    def shell(self, address: str) -> Shell:
        return Shell(self.directory, address)


@pytest.fixture
def stack(place: Place, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stack]:
    made = Stack(tmp_path, place, "run-" + str(abs(hash(request.node.name)))[:8])
    try:
        yield made
    finally:
        place.ask("DELETE", "/faults")
        made.pulumi("destroy", "--yes", "--skip-preview")
        assert place.servers() == []
        for kind in ("ports", "floatingips"):
            assert place.ask("GET", f"/network/v2.0/{kind}")[kind] == []
        assert place.ask("GET", "/volume/v2/local/volumes/detail")["volumes"] == []


def test_what_is_made_is_found_again_serves_and_outlives_its_cloud(stack: Stack) -> None:
    outputs = stack.up()
    shell = stack.shell(outputs["address"])
    assert outputs["marked"] == []
    assert shell.reachable()
    done = shell.run("cloud-init status --wait && sudo id -un", known=stack.host_key)
    assert done.stdout.decode().split() == ["status:", "done", "root"]
    stack.place.fault(on="cut-upload", bytes=300_000)
    content = bytes(2_000_000)
    assert shell.run("cat >/tmp/content", content).returncode != 0
    assert shell.run("cat >/tmp/content; stat -c %s /tmp/content", content).stdout == b"2000000\n"
    tracking = "chronyc -n -c tracking"
    assert until(lambda: shell.run(tracking).stdout.decode().strip().endswith("Normal"), 20, 0.5)
    os.kill(stack.place.pid(), signal.SIGKILL)
    assert shell.run("true").returncode != 0
    stack.place.start()
    assert shell.reachable()
    assert "7 unchanged" in stack.pulumi("up", "--yes", "--skip-preview", "--refresh")
    shell.run("sudo systemctl poweroff")
    assert until(lambda: stack.place.servers()[0]["status"] == "SHUTOFF", 30)
    assert "powerState" in stack.pulumi("refresh", "--yes", "--skip-preview")


@pytest.mark.thorough
def test_a_server_with_a_disk_of_its_host_is_found_again(stack: Stack) -> None:
    assert stack.shell(stack.up(LOCAL_DISK="yes")["address"]).reachable()
    assert "7 unchanged" in stack.pulumi("up", "--yes", "--skip-preview", "--refresh", LOCAL_DISK="yes")


@pytest.mark.thorough
def test_only_the_allowed_source_reaches_the_allowed_port(stack: Stack) -> None:
    shell = stack.shell(stack.up(SOURCE="192.0.2.0/24")["address"])
    assert not shell.reachable(3)
    stack.up()
    assert shell.reachable()


@pytest.mark.thorough
def test_a_server_may_have_another_host_key(stack: Stack) -> None:
    stack.place.fault(on="other-host-key")
    shell = stack.shell(stack.up()["address"])
    assert shell.reachable()
    done = shell.run("true", known=stack.host_key)
    assert done.returncode != 0
    assert b"HOST IDENTIFICATION HAS CHANGED" in done.stderr


@pytest.mark.thorough
def test_a_server_may_let_nobody_in(stack: Stack) -> None:
    stack.place.fault(on="no-ssh")
    assert not stack.shell(stack.up()["address"]).reachable(5)


@pytest.mark.thorough
def test_a_server_in_error_fails_the_update_and_is_destroyed(stack: Stack) -> None:
    stack.place.fault(on="server-error")
    with pytest.raises(AssertionError, match="unexpected state 'ERROR', wanted target 'ACTIVE'"):
        stack.up()
