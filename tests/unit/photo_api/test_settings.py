"""photo-api's settings: the document's profiles, what each kind of stack reads, and what is refused with a sentence."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from stacks import photo_api_settings
from stacks.config_reader import ConfigError, Section, keys_of
from stacks.photo_api_settings import PhotoApiSettings

ROOT = Path(__file__).parents[3]
PLACE = {
    "authUrl": "https://identity.example.com/v2.0",
    "region": "KR1",
    "userName": "a@example.com",
    "tenantId": "0123abcd",
    "flavor": "m2.c2m4",
    "network": "default",
    "floatingNetwork": "public",
}
OF_KIND = {"bake": {"baseImage": "ubuntu"}, "base": {"baseImage": "ubuntu"}, "test": {"bakeStack": "photo-api.bake"}}


def read(environment: str = "bake", /, **values: Any) -> PhotoApiSettings:
    kind = OF_KIND.get(environment.partition("-")[0], {})
    given = {key: value for key, value in {**PLACE, **kind, **values}.items() if value is not None}
    file = f"stacks/Pulumi.photo-api.{environment}.yaml"
    return photo_api_settings.read(environment, Section(given, file, "infra-release:", keys_of(PhotoApiSettings)))


@pytest.mark.parametrize(
    ("profile", "offline", "agent", "exporter", "server", "time", "detailed"),
    [
        ("full", True, "promtail", True, True, True, True),
        ("compromise", True, "none", False, True, True, True),
        ("minimal", False, "none", False, False, False, False),
    ],
)
def test_the_documents_profiles(
    profile: str, offline: bool, agent: str, exporter: bool, server: bool, time: bool, detailed: bool
) -> None:
    settings = read(profile=profile)
    assert (settings.offline_packages, settings.log_agent.kind, settings.node_exporter.enabled) == (
        offline,
        agent,
        exporter,
    )
    assert (settings.test_server, settings.time_check, settings.detailed_checks) == (server, time, detailed)
    assert bool(settings.log_agent.version) == (agent != "none")
    assert bool(settings.node_exporter.version) == exporter


def test_a_single_switch_overrides_its_profile() -> None:
    settings = read(profile="minimal", logAgent={"kind": "alloy"}, nodeExporter={"enabled": True}, offlinePackages=True)
    assert settings.log_agent.kind == "alloy" and settings.log_agent.version
    assert settings.node_exporter.enabled and settings.offline_packages and not settings.test_server


@pytest.mark.parametrize("environment", ["base", "bake", "test", "bake-local", "test-local"])
def test_the_kind_is_how_the_environment_begins(environment: str) -> None:
    assert read(environment).kind == environment.partition("-")[0]


@pytest.mark.parametrize(
    ("environment", "values", "sentence"),
    [
        ("dev", {}, "stack 'photo-api.dev' must begin with one of base, bake, test"),
        ("bake", {"tenantId": None}, "tenantId in .* is missing, but must be the id of the tenant, because authUrl"),
        ("bake", {"authUrl": "https://i/v3", "tenantId": None}, "projectName in .* is missing"),
        ("bake", {"authUrl": "identity"}, "authUrl in .* must be the address"),
        ("bake", {"baseImage": None}, "baseImage in .* is missing, but must be an image's name or id, or a stack"),
        ("bake", {"image": "0" * 32}, "image in .* is read by photo-api.test only"),
        ("test", {"source": "x"}, "source in .* is read by photo-api.bake only"),
        ("base", {"secrets": {"A": "B"}}, "secrets in .* is read by photo-api.bake and photo-api.test only"),
        ("test", {"image": "0" * 32}, "image in .* absent where there is"),
        ("test", {"bakeStack": None}, "image in .* is missing"),
        ("bake", {"profile": "fast"}, "profile in .* must be one of full, compromise, minimal"),
        ("bake", {"logAgent": {"kind": "fluentd"}}, "logAgent.kind in .* must be promtail, alloy or none"),
        ("bake", {"logAgent": {"sha256": "abc"}}, "logAgent.sha256 in .* must be the SHA-256"),
        ("bake", {"tags": ["_AVAILABLE_"]}, "tags in .* none beginning with _"),
        ("bake", {"secrets": {"JWT-SECRET": "X"}}, "holds JWT-SECRET, which is not the name of a variable"),
        ("bake", {"runnerCidr": "here"}, "runnerCidr in .* must be a CIDR"),
        ("bake", {"sweepHours": "soon"}, "sweepHours in .* must be a number of hours"),
        ("bake", {"timeouts": {"health": 1}}, "timeouts.health in .* from 5 to 900"),
        ("test", {"keepImages": 0}, "keepImages in .* from 1 to 100"),
        ("bake", {"password": "x"}, "password in .* is not a key that anything reads"),
    ],
)
def test_what_cannot_be_meant_is_refused(environment: str, values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        read(environment, **values)


@pytest.mark.parametrize("file", sorted(ROOT.glob("stacks/Pulumi.photo-api.*.yaml")), ids=lambda path: path.name)
def test_the_stacks_files_are_right_and_hold_no_password(file: Path) -> None:
    written = yaml.safe_load(file.read_text())["config"]
    values = {key.partition(":")[2]: value for key, value in written.items()}
    environment = file.name.removeprefix("Pulumi.photo-api.").removesuffix(".yaml")
    section = Section(values, file.name, "infra-release:", keys_of(PhotoApiSettings))
    settings = photo_api_settings.read(environment, section)
    assert settings.kind in environment and not any("password" in key.lower() for key in written)
