"""The release component under strict mocks: what it declares, and what a preview will show of it."""

from typing import Any

import pulumi
import pytest

from components.release.verify import Verification
from tests.unit.engine_double import Engine


def arguments(**changed: Any) -> Any:
    from components.release.ecs import EcsReleaseArgs

    values: dict[str, Any] = {
        "image": "registry/app:v2",
        "cluster": "C",
        "service": "S",
        "container": "app",
        "template": "arn:template:1",
        "family": "App",
        "desired_count": 2,
        "target_group_arn": "arn:group",
        "url": "http://balancer/health/",
        "alarms": ("b", "a"),
        "table": "T",
        "region": "us-east-1",
        "verification": Verification(),
        "grace_seconds": 15,
    }
    return EcsReleaseArgs(**{**values, **changed})


def declared() -> Engine:
    from components.release.ecs import EcsRelease

    return Engine().run(lambda: pulumi.export("proof", EcsRelease("app", arguments()).proof))


def test_the_command_shows_the_image_and_never_replaces() -> None:
    engine = declared()
    command = engine.one("command:local:Command", "app-release")
    assert command.inputs["environment"]["IMAGE"] == "registry/app:v2"
    assert command.inputs["environment"]["ALARMS"] == "a,b"
    assert command.inputs["create"] == command.inputs["update"] == "python -m actions.release_ecs"
    assert "triggers" not in command.inputs
    assert command.inputs["addPreviousOutputInEnv"] is False
    assert command.inputs["logging"] == "stderr"
    assert command.parent.endswith("infra-release:release:EcsRelease::app")
    assert engine.exports["proof"]["image_tag"] == "v2"


def test_the_observed_image_follows_the_release_and_has_no_input_that_one_changes() -> None:
    engine = declared()
    running = engine.one("pulumi-python:dynamic:Resource", "app-running")
    assert any(urn.endswith("::app-release") for urn in running.dependencies)
    assert {key for key in running.inputs if not key.startswith("__")} <= {"environment", "image", "task_definition"}
    assert running.inputs.get("image") is None
    assert "IMAGE" not in running.inputs["environment"]


def test_the_environment_is_what_the_action_reads() -> None:
    from actions.request import from_environment
    from components.release.ecs import EcsRelease

    given = EcsRelease._environment(arguments(alarms=()))
    plain = {key: value if isinstance(value, str) else "" for key, value in given.items()} | {
        "IMAGE": "registry/app:v2"
    }
    asked = from_environment(plain)
    assert (asked.tag, asked.repository, asked.passes, asked.scales) == ("v2", "app", 3, False)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: arguments(desired_count=0), "desiredCount must be at least 1, got 0"),
        (lambda: Verification(passes=0), "verification.passes must be at least 1, got 0"),
        (lambda: Verification(timeout_seconds=5), "verification.timeoutSeconds must be at least 30, got 5"),
    ],
)
def test_impossible_arguments_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
