"""`python -m actions.bake.agents`: node_exporter and the log agent, pinned and checked, as one archive.

promtail has reached its end of life and alloy is its successor; both may be chosen, and neither.
"""

import os
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from actions.bake import archive, cache, part
from actions.bake.cache import Kept
from actions.bake.downloads import PUBLISHED, Mirror
from actions.environment import text
from actions.errors import ReleaseError
from actions.lifeline import Cancellation
from actions.progress import Progress

NONE = "none"
UPSTREAM = "https://github.com"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Where a program is published, and what it is called inside its archive."""

    path: str
    sums: str
    inside: str


KINDS = {
    "node_exporter": Kind(
        path="/prometheus/node_exporter/releases/download/v{version}/node_exporter-{version}.linux-{arch}.tar.gz",
        sums="/prometheus/node_exporter/releases/download/v{version}/sha256sums.txt",
        inside="node_exporter-{version}.linux-{arch}/node_exporter",
    ),
    "promtail": Kind(
        path="/grafana/loki/releases/download/v{version}/promtail-linux-{arch}.zip",
        sums="/grafana/loki/releases/download/v{version}/SHA256SUMS",
        inside="promtail-linux-{arch}",
    ),
    "alloy": Kind(
        path="/grafana/alloy/releases/download/v{version}/alloy-linux-{arch}.zip",
        sums="/grafana/alloy/releases/download/v{version}/SHA256SUMS",
        inside="alloy-linux-{arch}",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Agent:
    """One program at one version."""

    name: str
    version: str
    sha256: str  # or `published`


@dataclass(frozen=True, kw_only=True)
class Agents:
    """What decides which programs there are."""

    wanted: tuple[Agent, ...]
    mirror: str
    architecture: str
    cache: Path

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Agents":
        chosen = environment.get("LOG_AGENT") or NONE
        if chosen not in ("promtail", "alloy", NONE):
            raise ReleaseError(f"LOG_AGENT must be promtail, alloy or none, got {chosen}")
        wanted = []
        if environment.get("NODE_EXPORTER"):
            wanted.append(_agent("node_exporter", "NODE_EXPORTER", environment))
        if chosen != NONE:
            text("LOG_AGENT_VERSION", environment)
            wanted.append(_agent(chosen, "LOG_AGENT_VERSION", environment))
        return cls(
            wanted=tuple(wanted),
            mirror=environment.get("MIRROR") or UPSTREAM,
            architecture=environment.get("ARCHITECTURE") or "amd64",
            cache=Path(text("CACHE", environment)).expanduser(),
        )

    def key(self) -> str:
        """Where the mirror's own list decides, its address belongs to the key; a pin is the same everywhere."""
        trusts = any(agent.sha256 == PUBLISHED for agent in self.wanted)
        return cache.key_of(
            [[asdict(agent) for agent in self.wanted], self.architecture, self.mirror if trusts else ""]
        )

    def made(self, cancellation: Cancellation) -> Kept:
        return cache.keep(
            self.cache, "agents", self.key(), lambda target, place: self._make(target, place, cancellation)
        )

    def _make(self, target: Path, place: Path, cancellation: Cancellation) -> None:
        with Mirror(self.mirror, cancellation) as mirror:
            programs = [(agent.name, self._program(agent, mirror, place)) for agent in self.wanted]
        archive.pack(target, programs)

    def _program(self, agent: Agent, mirror: Mirror, place: Path) -> Path:
        kind, names = KINDS[agent.name], {"version": agent.version, "arch": self.architecture}
        packed, program = place / f"{agent.name}.packed", place / agent.name
        path = kind.path.format(**names)
        mirror.fetch(path, agent.sha256, kind.sums.format(**names), packed)
        try:
            _unpack(packed, kind.inside.format(**names), program)
        except (KeyError, tarfile.TarError, zipfile.BadZipFile) as error:
            raise ReleaseError(f"{self.mirror}{path} holds no {kind.inside.format(**names)}") from error
        program.chmod(0o755)
        return program


def _agent(name: str, variable: str, environment: Mapping[str, str]) -> Agent:
    sum_of = {"NODE_EXPORTER": "NODE_EXPORTER_SHA256", "LOG_AGENT_VERSION": "LOG_AGENT_SHA256"}[variable]
    return Agent(name=name, version=environment[variable], sha256=text(sum_of, environment))


def _unpack(packed: Path, inside: str, target: Path) -> None:
    if zipfile.is_zipfile(packed):
        with zipfile.ZipFile(packed) as zipped:
            target.write_bytes(zipped.read(inside))
        return
    with tarfile.open(packed) as tar:
        member = tar.extractfile(inside)
        if member is None:
            raise KeyError(inside)
        target.write_bytes(member.read())


def work(cancellation: Cancellation, progress: Progress) -> dict[str, Any]:
    this, agents = part.Part(), Agents.of(os.environ)
    with this.step("agents", after=["run"]):
        kept = agents.made(cancellation)
    names = ", ".join(f"{agent.name} {agent.version}" for agent in agents.wanted) or "no agent"
    progress.say(f"{names}: {'from the cache' if kept.cached else 'downloaded and checked'}")
    return this.done(**kept.facts(), versions={agent.name: agent.version for agent in agents.wanted})


if __name__ == "__main__":
    part.main(work)
