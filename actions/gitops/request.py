"""What a release by commit is asked to do: readable variables from `pulumi up`, secrets from its caller."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

from actions.errors import ReleaseError
from actions.gitops.values import Path


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """Taken from the environment at run time; never in configuration, state or arguments."""

    github_token: str
    argocd_token: str
    registry_user: str
    registry_password: str


@dataclass(frozen=True, kw_only=True)
class GitOpsRequest:
    """The tags that the values files of one branch shall say."""

    tags: dict[str, str]  # component → tag
    images: dict[str, str]  # component → image without tag, the registry first
    sources: dict[str, str]  # component → repository that it is built from
    repository: str  # that of the values files: owner/name
    branch: str
    files: tuple[str, ...]
    key: str  # of a tag in the values, such as astrago.{component}.imageTag
    way: str  # commit | pull-request
    argocd: str  # address of the server; empty: nobody waits
    applications: tuple[str, ...]
    timeout_seconds: int
    schema: str  # file with the JSON schema of the values
    charts: tuple[str, ...]  # directories of charts that must render with the values
    previous: dict[str, str]  # the tags of the last verified release
    allow_older: bool
    api_url: str
    graphql_url: str
    secrets: Secrets

    def path(self, component: str) -> Path:
        return tuple(self.key.format(component=component).split("."))


def from_environment(environment: Mapping[str, str] = os.environ) -> GitOpsRequest:
    """Raises `ReleaseError` naming the variable that is missing."""

    def text(name: str, why: str = "this action is run by `pulumi up`, which sets it") -> str:
        if not environment.get(name):
            raise ReleaseError(f"{name} is not set: {why}")
        return environment[name]

    argocd = environment.get("ARGOCD", "")
    token = "a token with `contents: write` on the repository of the values files; export it before `pulumi up`"
    secrets = Secrets(
        github_token=text("GITHUB_TOKEN", token),
        argocd_token=text("ARGOCD_TOKEN", "Argo CD wants a token of an account with `applications, sync/get`")
        if argocd
        else "",
        registry_user=environment.get("REGISTRY_USERNAME", ""),
        registry_password=environment.get("REGISTRY_PASSWORD", ""),
    )
    return GitOpsRequest(
        tags=json.loads(text("TAGS")),
        images=json.loads(text("IMAGES")),
        sources=json.loads(text("SOURCES")),
        repository=text("REPOSITORY"),
        branch=text("BRANCH"),
        files=tuple(text("FILES").split(" | ")),
        key=text("KEY"),
        way=text("WAY"),
        argocd=argocd.rstrip("/"),
        applications=tuple(name for name in environment.get("APPLICATIONS", "").split(" | ") if name),
        timeout_seconds=int(text("TIMEOUT_SECONDS")),
        schema=environment.get("SCHEMA", ""),
        charts=tuple(name for name in environment.get("CHARTS", "").split(" | ") if name),
        previous=json.loads(environment.get("PREVIOUS") or "{}"),
        allow_older=environment.get("ALLOW_OLDER", "").lower() == "true",
        api_url=environment.get("GITHUB_API_URL") or "https://api.github.com",
        graphql_url=environment.get("GITHUB_GRAPHQL_URL", ""),
        secrets=secrets,
    )
