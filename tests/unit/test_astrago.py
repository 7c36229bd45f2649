"""Astrago's stack and settings: what is declared, and what is refused with a sentence."""

from typing import Any

import pytest

from components.release.gitops import Component, GitOpsRelease, GitOpsReleaseArgs, TagsProvider
from stacks import astrago_settings
from stacks.astrago_settings import AstragoSettings
from stacks.config_reader import ConfigError, Section, keys_of


def read(**values: Any) -> AstragoSettings:
    section = Section(values, "stacks/Pulumi.astrago.dev.yaml", "infra-release:", keys_of(AstragoSettings))
    return astrago_settings.read("dev", section)


def test_the_documents_names_are_the_defaults() -> None:
    settings = read(tags={"core": "core-stage-a1b2c3d4"})
    assert (settings.owner, settings.registry, settings.repository) == ("xiilab", "ghcr.io", "astrago-deployment")
    assert settings.files == ("helmfile/environments/customers/xiilab/values.yaml",)
    assert (settings.branch, settings.way, settings.argocd) == ("main", "commit", None)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"tags": {"web": "web-1"}}, "tags.web in .* is none of the components core, batch, monitor, frontend"),
        ({"tags": {"core": "latest"}}, "is latest, but must be the tag of one build such as core-stage-a1b2c3d4"),
        ({"tags": {"core": "batch-stage-1"}}, "is batch-stage-1, which is a build of batch"),
        ({"way": "mail"}, "way in .* must be commit or pull-request"),
        ({"files": ["/etc/passwd"]}, "files in .* must be a list of values files"),
        ({"files": ["a.yaml", "a.yaml"]}, "files in .* must be a list of values files"),
        ({"argocd": {"applications": ["a"]}}, "argocd.server in .* is missing"),
        ({"argocd": {"server": "http://a", "applications": []}}, "must be a list of at least one application"),
        ({"key": "astrago.core.imageTag"}, "must be the key of a tag"),
        ({"token": "x"}, "token in .* is not a key that anything reads"),
    ],
)
def test_what_cannot_be_meant_is_refused(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        read(**values)


def arguments(**changed: Any) -> GitOpsReleaseArgs:
    component = Component(tag="core-stage-1", image="ghcr.io/x/core", source="x/core")
    values: dict[str, Any] = {
        "components": {"core": component},
        "repository": "x/deployment",
        "branch": "main",
        "files": ("values.yaml",),
        "key": "{component}.tag",
    }
    return GitOpsReleaseArgs(**{**values, **changed})


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"components": {}}, "at least one component"),
        ({"files": ()}, "at least one values file"),
        ({"key": "tag"}, "must hold {component}, got tag"),
    ],
)
def test_impossible_arguments_are_refused(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        arguments(**changed)


def test_the_settings_are_what_the_action_reads() -> None:
    from actions.gitops import request

    given = GitOpsRelease._settings(arguments(argocd="https://argo", applications=("a", "b")))
    tokens = {"GITHUB_TOKEN": "t", "ARGOCD_TOKEN": "t"}
    asked = request.from_environment({**given, **tokens, "TAGS": '{"core": "core-stage-1"}'})
    assert (asked.applications, asked.files, asked.way) == (("a", "b"), ("values.yaml",), "commit")
    assert asked.path("core") == ("core", "tag")
    assert not set(tokens) & set(given)


def test_only_tags_and_settings_make_a_difference() -> None:
    state = {"tags": {"core": "1"}, "settings": {"A": "b"}, "release": {"commit": "c"}}
    provider = TagsProvider()
    assert not provider.diff("id", state, {**state, "release": None}).changes
    assert provider.diff("id", state, {**state, "tags": {"core": "2"}}).changes
