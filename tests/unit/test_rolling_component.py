"""The rolling release under strict mocks: its waves, what it declares, and what a preview will show of it."""

import json
from typing import Any

import pulumi
import pytest

from components.host_access import HostAccess
from components.release.rolling import FleetHost, RollingRelease, RollingReleaseArgs, plan_waves, waves_text
from components.release.verify import Verification
from tests.unit.engine_double import Engine

HOSTS = tuple(FleetHost(name=f"web-{n}", instance=f"i-{n}", address=f"198.51.100.{n}") for n in (1, 2, 3))


def arguments(**changed: Any) -> RollingReleaseArgs:
    values: dict[str, Any] = {
        "image": "registry/web:v2",
        "hosts": HOSTS,
        "security_group_id": "sg-1",
        "access": HostAccess(method="ssh", user="ubuntu", key_parameter="/T/ssh-key", host_keys_prefix="/T/hosts/"),
        "target_group_arn": "arn:group",
        "port": 8000,
        "url": "https://balancer/health/",
        "websocket_url": "",
        "compose": "services: {}",
        "nginx": "server {}",
        "variables": {"B": "/T/B", "A": "/T/A"},
        "alarms": ("b", "a"),
        "table": "T",
        "region": "us-east-1",
        "verification": Verification(),
        "project": "teammoa",
        "directory": "/opt/teammoa",
    }
    return RollingReleaseArgs(**{**values, **changed})


@pytest.mark.parametrize(
    ("count", "size", "waves"),
    [(2, 1, "web-1 | web-2"), (3, 2, "web-1 web-2 | web-3"), (5, 2, "web-1 web-2 | web-3 web-4 | web-5")],
)
def test_waves_are_in_order_and_leave_somebody(count: int, size: int, waves: str) -> None:
    names = [f"web-{number}" for number in range(1, count + 1)]
    planned = plan_waves(names, size)
    assert waves_text(planned) == waves
    assert [name for wave in planned for name in wave] == names
    assert all(len(wave) < count for wave in planned)


@pytest.mark.parametrize(
    ("names", "size", "message"),
    [
        (["web-1", "web-2"], 2, "a wave of 2 would take all 2 hosts out of service"),
        (["web-1"], 1, "a wave of 1 would take all 1 hosts out of service"),
        (["web-1", "web-2"], 0, "a wave has at least 1 host, got 0"),
        (["web-1", "web-1", "web-2"], 1, "a host is named twice among web-1, web-1, web-2"),
    ],
)
def test_a_wave_that_leaves_nobody_is_refused(names: list[str], size: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan_waves(names, size)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"wave_size": 3}, "a wave of 3 would take all 3 hosts out of service"),
        ({"drain_seconds": 601}, "rolling.drainSeconds must be from 0 to 600, got 601"),
    ],
)
def test_impossible_arguments_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        arguments(**changed)


def test_the_command_shows_image_and_waves_and_never_replaces() -> None:
    engine = Engine(stack="teammoa.test").run(
        lambda: pulumi.export("proof", RollingRelease("app", arguments(wave_size=2)).proof)
    )
    command = engine.one("command:local:Command", "app-release").inputs
    given = command["environment"]
    assert (given["IMAGE"], given["WAVES"], given["WAY"]) == ("registry/web:v2", "web-1 web-2 | web-3", "balancer")
    assert [host["name"] for host in json.loads(given["HOSTS"])] == ["web-1", "web-2", "web-3"]
    assert given["VARIABLES"] == '{"A": "/T/A", "B": "/T/B"}' and given["ALARMS"] == "a,b"
    assert (given["SSH_USER"], given["SECURITY_GROUP"], given["ACCESS"]) == ("ubuntu", "sg-1", "ssh")
    assert command["create"] == command["update"] == "python -m actions.release_rolling"
    assert command["delete"] == "python -m actions.retire_rolling"
    assert "triggers" not in command and command["addPreviousOutputInEnv"] is False
    assert command["logging"] == "stderr"
    assert all(isinstance(value, str) for value in given.values())
    assert engine.exports["proof"]["image_tag"] == "v2"
