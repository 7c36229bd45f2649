"""The one archive that goes to the server: wheels, agents, the application's files, units and their configuration."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actions.bake import archive
from actions.bake.agents import NONE, Agents
from actions.bake.cache import sha256_of
from actions.bake.request import APPLICATION, BuildRequest
from actions.bake.server import FILES
from actions.bake.source import Source
from actions.bake.wheels import Wheelhouse
from actions.environment import text
from actions.errors import ReleaseError
from actions.lifeline import Cancellation

CONFIGURATION = {"promtail": "promtail.yaml", "alloy": "config.alloy"}


@dataclass(frozen=True, kw_only=True)
class Payload:
    """What is sent."""

    path: Path
    sha256: str


def assemble(request: BuildRequest, environment: Mapping[str, str], place: Path, cancellation: Cancellation) -> Payload:
    """Always the same bytes for the same parts, so that an upload can go on in another process."""
    archives = {name: path for name, path in _archives(request, environment, cancellation).items() if path}
    target = place / "payload.tar"
    archive.pack(target, [(f"{name}.tar", path) for name, path in archives.items()], _texts(request, environment))
    return Payload(path=target, sha256=sha256_of(target))


def commit_of(environment: Mapping[str, str]) -> str:
    """Of the application's source; empty in a base image."""
    return str(_said("SOURCE_PART", environment).get("commit", ""))


def _archives(
    request: BuildRequest, environment: Mapping[str, str], cancellation: Cancellation
) -> dict[str, Path | None]:
    application = request.payload == APPLICATION
    found: dict[str, Path | None] = {"agents": None, "source": None, "wheels": None}
    if request.node_exporter or request.log_agent != NONE:
        found["agents"] = _here("AGENTS", environment) or Agents.of(environment).made(cancellation).path
    if application:
        found["source"] = _here("SOURCE_PART", environment) or _same_source(environment)
    if application and request.offline:
        found["wheels"] = _here("WHEELS", environment) or Wheelhouse.of(environment).made(cancellation).path
    return found


def _same_source(environment: Mapping[str, str]) -> Path:
    """Packed again on this machine; not when the tree has changed since the recipe was made."""
    kept, said = Source.of(environment).made(), _said("SOURCE_PART", environment)
    if said and said["sha256"] != kept.sha256:
        raise ReleaseError("the application's files have changed since this bake began: `pulumi up` again bakes them")
    return kept.path


def _here(variable: str, environment: Mapping[str, str]) -> Path | None:
    """The file that an earlier command printed, when this machine still has it as it was."""
    said = _said(variable, environment)
    if not said:
        return None
    path = Path(text("CACHE", environment)).expanduser() / said["file"]
    return path if path.is_file() and sha256_of(path) == said["sha256"] else None


def _said(variable: str, environment: Mapping[str, str]) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(environment.get(variable) or "{}")
    except ValueError as error:
        raise ReleaseError(f"{variable} must be what its command printed, got {environment[variable]!r}") from error
    return found


def _texts(request: BuildRequest, environment: Mapping[str, str]) -> dict[str, bytes]:
    """Units and configuration with the values of this request in their places, and the requirements."""
    places = {
        "@APP@": request.app,
        "@PORT@": str(request.port),
        "@COMMIT@": commit_of(environment)[:12] or "unknown",
        "@LOG_URL@": request.log_url,
    }
    names = {f"units/{unit}.service": f"units/{unit}.service" for unit in request.units}
    if request.log_agent in CONFIGURATION:
        file = CONFIGURATION[request.log_agent]
        names[f"agents/{request.log_agent}/{file}"] = f"agents/{file}"
    found = {name: _filled((FILES / file).read_text(), places).encode() for name, file in names.items()}
    if request.payload == APPLICATION:
        found["requirements.txt"] = Wheelhouse.of(environment).wanted().encode()
    return found


def _filled(template: str, places: Mapping[str, str]) -> str:
    for mark, value in places.items():
        template = template.replace(mark, value)
    return template
