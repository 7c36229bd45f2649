"""The release component under strict mocks: what it declares, and what a preview will show of it."""

from typing import Any

import pulumi
import pytest

from components.release.verify import Verification


class Mocks(pulumi.runtime.Mocks):
    """Knows the types of the component and no other."""

    def __init__(self) -> None:
        self.made: list[pulumi.runtime.MockResourceArgs] = []

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        self.made.append(args)
        if args.typ == "infra-release:release:EcsRelease":
            return "", {}
        if args.typ == "command:local:Command":
            return "command", {**args.inputs, "stdout": '{"digest": "sha256:1", "image_tag": "v2"}', "stderr": ""}
        if args.typ == "pulumi-python:dynamic:Resource":
            return "running", dict(args.inputs)
        raise AssertionError(f"the component made a {args.typ}")

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
        raise AssertionError(f"the component called {args.token}")


@pytest.fixture
def mocks() -> Mocks:
    mocks = Mocks()
    pulumi.runtime.set_mocks(mocks, "infra-release", "liveinsight.local")
    return mocks


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


def declare(mocks: Mocks) -> Any:
    from components.release.ecs import EcsRelease

    return EcsRelease("app", arguments())


@pulumi.runtime.test
def test_the_command_shows_the_image_and_never_replaces(mocks: Mocks) -> Any:
    release = declare(mocks)

    def check(proof: dict[str, Any]) -> None:
        command = next(made for made in mocks.made if made.typ == "command:local:Command")
        assert command.name == "app-release"
        assert command.inputs["environment"]["IMAGE"] == "registry/app:v2"
        assert command.inputs["environment"]["ALARMS"] == "a,b"
        assert command.inputs["create"] == command.inputs["update"] == "python -m actions.release_ecs"
        assert "triggers" not in command.inputs
        assert command.inputs["addPreviousOutputInEnv"] is False
        assert command.inputs["logging"] == "stderr"
        assert proof == {"digest": "sha256:1", "image_tag": "v2"}

    return release.proof.apply(check)


@pulumi.runtime.test
def test_the_observed_image_has_no_input_that_a_release_changes(mocks: Mocks) -> Any:
    release = declare(mocks)

    def check(_: str | None) -> None:
        running = next(made for made in mocks.made if made.typ == "pulumi-python:dynamic:Resource")
        given = {key for key in running.inputs if not key.startswith("__")}
        assert given <= {"cluster", "service", "container", "region", "image", "task_definition"}
        assert running.inputs.get("image") is None

    return release.running.apply(check)


def test_the_environment_is_what_the_action_reads(mocks: Mocks) -> None:
    from actions.request import from_environment
    from components.release.ecs import EcsRelease

    given = EcsRelease._environment(arguments(alarms=()))
    plain = {key: value if isinstance(value, str) else "" for key, value in given.items()}
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
