"""Astrago's settings. Defaults are the document's names, what no default can know is necessary."""

import re
from dataclasses import dataclass, field

from stacks.config_reader import Section

# Which repository each component is built from, and thereby which image its tag is of.
SOURCES = {
    "core": "astrago-backend",
    "batch": "astrago-backend",
    "monitor": "astrago-backend",
    "frontend": "astrago-frontend",
}
NAME = r"[\w.-]+"
FILE = r"(?!/|\.\./)[\w./-]+\.ya?ml"


@dataclass(frozen=True, kw_only=True)
class ArgoCdSettings:
    """The server that carries releases out, and the applications that a release waits for."""

    server: str
    applications: tuple[str, ...]
    timeout_seconds: int


@dataclass(frozen=True, kw_only=True)
class AstragoSettings:
    environment: str = field(metadata={"program": True})  # the stack name's second half
    tags: dict[str, str]  # component → tag; a component that is not named keeps its tag
    owner: str  # of the repositories
    registry: str
    repository: str  # of the values files
    branch: str
    files: tuple[str, ...]
    key: str  # of a tag in the values
    way: str
    argocd: ArgoCdSettings | None
    validate_schema: bool
    charts: tuple[str, ...]


def read(environment: str, config: Section) -> AstragoSettings:
    owner = config.text("owner", "xiilab", NAME, "the owner of the repositories, such as xiilab")
    return AstragoSettings(
        environment=environment,
        tags=config.mapping("tags", _wrong_tag, "a map of component names to tags"),
        owner=owner,
        registry=config.text("registry", "ghcr.io", r"[\w.-]+(:\d+)?", "the host of a registry such as ghcr.io"),
        repository=config.text("repository", "astrago-deployment", NAME, "the name of the values files' repository"),
        branch=config.text("branch", "main", r"[\w./-]+", "the name of one branch"),
        files=_files(config),
        key=config.text(
            "key",
            "astrago.{component}.imageTag",
            r"[\w.-]*(\{component\})[\w.-]*",
            "the key of a tag in the values such as astrago.{component}.imageTag",
        ),
        way=config.text("way", "commit", "commit|pull-request", "commit or pull-request"),
        argocd=_argocd(config) if config.has("argocd") else None,
        validate_schema=config.flag("validateSchema", True),
        charts=config.texts("charts", r"[\w./-]+", "a list of directories with charts"),
    )


def _wrong_tag(component: str, tag: str) -> str | None:
    if component not in SOURCES:
        return f"is none of the components {', '.join(SOURCES)}"
    if tag == "latest" or not re.fullmatch(r"\w[\w.-]{0,127}", tag):
        return f"is {tag}, but must be the tag of one build such as {component}-stage-a1b2c3d4"
    prefix = tag.partition("-")[0]
    if prefix in SOURCES and prefix != component:
        return f"is {tag}, which is a build of {prefix}"
    return None


def _files(config: Section) -> tuple[str, ...]:
    right = "a list of values files in the repository such as helmfile/environments/customers/xiilab/values.yaml"
    files = config.texts("files", FILE, right) or ("helmfile/environments/customers/xiilab/values.yaml",)
    if len(set(files)) < len(files):
        config.expect("files", right)
    return files


def _argocd(config: Section) -> ArgoCdSettings:
    argocd = config.section("argocd", ArgoCdSettings)
    right = "a list of at least one application of Argo CD"
    applications = argocd.texts("applications", r"[a-z0-9][a-z0-9.-]*", right)
    if not applications:
        argocd.expect("applications", right)
    return ArgoCdSettings(
        server=argocd.text("server", None, r"https?://[^\s/]+(/[^\s]*)?", "the address of Argo CD's server"),
        applications=applications,
        timeout_seconds=argocd.integer("timeoutSeconds", 600, 10, 3600),
    )
