"""Declare image tags in a git repository: a changed tag is a changed resource, a tag changed by hand is drift.

`GitOpsRelease` declares, `actions.release_gitops` acts and `actions.gitops.observe` looks. Tokens come from the
environment of whoever runs `pulumi`; the provider's process inherits them, and the state holds none.
"""

import json
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

from components.release import process

LIST = " | "


@dataclass(frozen=True, kw_only=True)
class Component:
    """One image of the system: its tag, where it is pushed to and what it is built from."""

    tag: str
    image: str
    source: str  # repository owner/name, for the order of builds


@dataclass(frozen=True, kw_only=True)
class GitOpsReleaseArgs:
    components: dict[str, Component]
    repository: str  # of the values files: owner/name
    branch: str
    files: tuple[str, ...]
    key: str  # of a tag in the values, with {component} in it
    way: str = "commit"  # or pull-request
    argocd: str | None = None  # address of the server; None: nobody waits
    applications: tuple[str, ...] = ()
    timeout_seconds: int = 600
    schema: str | None = None  # of the values
    charts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.components:
            raise ValueError("a release needs at least one component with a tag")
        if not self.files:
            raise ValueError("a release needs at least one values file")
        if "{component}" not in self.key:
            raise ValueError(f"the key must hold {{component}}, got {self.key}")


class TagsProvider(ResourceProvider):
    """The tags as the branch has them; bringing them there is the release action's work."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        settings = props["settings"]
        return CreateResult(f"{settings['REPOSITORY']}@{settings['BRANCH']}", _released(props, {}))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Plain comparison: a preview asks nobody. What was changed by hand comes in by a refresh."""
        return DiffResult(changes=any(olds.get(key) != news[key] for key in ("tags", "settings")))

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(_released(news, olds.get("release") or {}))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        tags = _observe(props)
        inputs = {key: value for key, value in props.items() if key in ("tags", "settings")}
        return ReadResult(id_, {**props, "tags": tags}, {**inputs, "tags": tags})


class Tags(Resource):
    """Component → tag on the branch, and the proof of the release that put them there."""

    tags: pulumi.Output[dict[str, str]]
    release: pulumi.Output[dict[str, Any]]

    def __init__(
        self, name: str, *, tags: dict[str, str], settings: dict[str, str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(TagsProvider(), name, {"tags": tags, "settings": settings, "release": None}, opts)


class GitOpsRelease(pulumi.ComponentResource):
    """Ends with the tags served by Argo CD, or with the earlier ones and `pulumi up` failed."""

    proof: pulumi.Output[dict[str, Any]]
    tags: pulumi.Output[dict[str, str]]

    def __init__(self, name: str, args: GitOpsReleaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:release:GitOpsRelease", name, None, opts)
        released = Tags(
            f"{name}-tags",
            tags={component: given.tag for component, given in sorted(args.components.items())},
            settings=self._settings(args),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.proof = released.release
        self.tags = released.tags
        self.register_outputs({"proof": self.proof, "tags": self.tags})

    @staticmethod
    def _settings(args: GitOpsReleaseArgs) -> dict[str, str]:
        """Everything but the tags, as the action reads it."""
        return {
            "IMAGES": json.dumps({name: given.image for name, given in sorted(args.components.items())}),
            "SOURCES": json.dumps({name: given.source for name, given in sorted(args.components.items())}),
            "REPOSITORY": args.repository,
            "BRANCH": args.branch,
            "FILES": LIST.join(args.files),
            "KEY": args.key,
            "WAY": args.way,
            "ARGOCD": args.argocd or "",
            "APPLICATIONS": LIST.join(args.applications),
            "TIMEOUT_SECONDS": str(args.timeout_seconds),
            "SCHEMA": args.schema or "",
            "CHARTS": LIST.join(args.charts),
        }


def _released(props: dict[str, Any], last: dict[str, Any]) -> dict[str, Any]:
    """Runs the release action; its proof, with what a rollback returns to."""
    variables = {"TAGS": json.dumps(props["tags"]), "PREVIOUS": json.dumps(last.get("tags") or {})}
    proof = process.run("actions.release_gitops", variables={**props["settings"], **variables})
    same = last.get("tags") == proof["tags"]
    kept = ("tags", "image_tag", "digests", "commit")
    proof["previous"] = last.get("previous") if same else {key: last[key] for key in kept if key in last} or None
    return {"tags": props["tags"], "settings": props["settings"], "release": proof}


def _observe(props: dict[str, Any]) -> dict[str, str]:
    variables = {"TAGS": json.dumps(props["tags"]), "ARGOCD": ""}  # nobody waits, so nobody needs its token
    found: dict[str, str] = process.run("actions.gitops.observe", variables={**props["settings"], **variables})
    return found
