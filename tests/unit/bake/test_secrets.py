"""Secrets by name; and what a build and a test refuse before anything moves."""

import subprocess
from typing import Any

import pytest

from actions.bake import secrets
from actions.bake.request import BuildRequest
from actions.errors import ReleaseError
from actions.test_image import TrialRequest

LOGIN = {"RUN": "r", "ADDRESS": "a", "SSH_USER": "u", "LOGIN_KEY": "k", "HOST_KEY": "h"}
BUILD = {**LOGIN, "SERVER": "s", "RECIPE": "1"}


def test_values_come_from_the_runners_environment() -> None:
    environment = {"SECRETS": '{"DATABASE_URL": "PHOTO_DB"}', "PHOTO_DB": "postgres://"}
    assert secrets.values(environment) == {"DATABASE_URL": "postgres://"}
    assert secrets.values({}) == {}


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"SECRETS": '{"A": "X", "B": "Y"}'}, "has no X, Y, which SECRETS wants"),
        ({"SECRETS": "nonsense"}, "SECRETS must be a JSON object"),
        ({"SECRETS": '{"A B": "X"}', "X": "1"}, "A B cannot be a variable"),
    ],
)
def test_what_is_missing_is_named(environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(ReleaseError, match=sentence):
        secrets.values(environment)


def test_a_shell_reads_the_lines_back_unchanged() -> None:
    """systemd's rules for environment files are a shell's, without its expansions."""
    value = "p$HOME`id`\"x\\y'z #1"
    done = subprocess.run(["sh", "-c", secrets.as_lines({"A": value}) + 'printf %s "$A"'], capture_output=True)
    assert done.stdout.decode() == value


@pytest.mark.parametrize("variable", [*LOGIN, "SERVER", "RECIPE"])
def test_a_build_names_the_variable_that_is_missing(variable: str) -> None:
    with pytest.raises(ReleaseError, match=f"{variable} is not set"):
        BuildRequest.of({**BUILD, variable: ""})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"PAYLOAD": "kernel"}, "PAYLOAD must be application or base, got kernel"),
        ({"PORT": "http"}, "PORT must be a number, got 'http'"),
        ({"HEALTH_SECONDS": "soon"}, "HEALTH_SECONDS must be a number, got 'soon'"),
    ],
)
def test_a_build_says_what_is_wrong(change: dict[str, str], sentence: str) -> None:
    with pytest.raises(ReleaseError, match=sentence):
        BuildRequest.of({**BUILD, **change})


def test_keys_that_are_none() -> None:
    with pytest.raises(ReleaseError, match="are not ed25519 keys"):
        BuildRequest.of(BUILD).login.way()


def test_what_is_turned_off_is_not_checked() -> None:
    every: Any = TrialRequest.of({**LOGIN, "NODE_EXPORTER": "1.9.1", "LOG_AGENT": "promtail"})
    assert len(every.checks) == 8 and every.units == ("photo-api", "node_exporter", "promtail")
    few = TrialRequest.of({**LOGIN, "CHECKS": "services,health,node_exporter,log_agent"})
    assert few.checks == ("services", "health") and few.units == ("photo-api",)


def test_a_check_that_does_not_exist() -> None:
    with pytest.raises(ReleaseError, match="CHECKS has no colour, only services, health"):
        TrialRequest.of({**LOGIN, "CHECKS": "health,colour"})
