"""One host's compose project, changed by scripts that may be repeated: the questions of `host.py` as POSIX shell."""

import base64
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actions.hosts.host import HealthLook, Host, HostError, Observed, StagedRelease, digest_of
from actions.hosts.session import Output, Session

FILES = Path(__file__).parent / "files"
LOOK_SECONDS = 60.0
OBSERVE_SECONDS = 330.0  # a first boot may take 300 s
CHANGE_SECONDS = 420.0  # a change waits up to 300 s for the one before it
STAGE_SECONDS = 1200.0  # a first image over a slow line
CERTBOT_MB = 512
RESTARTS_ARE_FINAL = 3  # a container that Docker had to start so often does not become healthy


@dataclass(frozen=True, kw_only=True)
class Project:
    """A compose project as it lies on its hosts."""

    name: str
    directory: str  # absolute path on the host
    region: str
    service: str = "web"  # the one that is released; empty: every service counts alike
    port: int = 8000  # on the host itself
    health_path: str = "/health/"  # empty: the containers' own health is enough
    single: bool = False  # no balancer: web-a and web-b take turns behind the host's own nginx


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What a host without a balancer shows its users."""

    domain: str
    email: str
    server: str  # the authority's ACME directory
    image: str  # with certbot
    metrics: str  # CloudWatch namespace in which the host says how long it lasts


class ComposeMachine:
    """The compose project of one host."""

    def __init__(self, host: Host, session: Session, project: Project) -> None:
        self._host, self._session, self._project = host, session, project

    @property
    def host(self) -> Host:
        return self._host

    def observe(self) -> Observed:
        seen = _pairs(self.run("observe", OBSERVE_SECONDS).out)
        return Observed(
            docker=seen.get("docker") == "true",
            architecture=seen.get("architecture", ""),
            free_mb=int(seen.get("free_mb") or 0),
            image=seen.get("image", ""),
            digest=digest_of(seen.get("image", "")),
            state=seen.get("state", ""),
            health=seen.get("health", ""),
            installed=digest_of(seen.get("installed", "")),
            installed_as=seen.get("current_as", ""),
            staged=digest_of(seen.get("staged", "")),
            staged_as=seen.get("next_as", ""),
            verified=seen.get("verified") == "true",
            live=seen.get("live") == "true",
            ledger=json.loads(seen.get("ledger", "{}")),
        )

    def stage(self, release: StagedRelease) -> None:
        names = "".join(f"{variable} {name}\n" for variable, name in sorted(release.variables.items()))
        self.run(
            "stage",
            STAGE_SECONDS,
            COMPOSE=packed(release.compose),
            NGINX=packed(release.nginx),
            NAMES=packed(names),
            ENV_PY=packed((FILES / "env.py").read_text()),
            FINGERPRINT=release.fingerprint,
            IMAGE=release.image,
            TAG=release.tag,
            ROOM_MB=str(release.room_mb),
        )

    def migrate(self, command: str) -> None:
        self.run("migrate", STAGE_SECONDS, COMMAND=command)

    def switch(self) -> None:
        self.run("switch", CHANGE_SECONDS)

    def healthy(self) -> HealthLook:
        output = self.run("health", LOOK_SECONDS, HEALTH_PATH=self._project.health_path)
        return health_look(output.out, asked=bool(self._project.health_path))

    def back(self) -> None:
        self.run("back", CHANGE_SECONDS)

    def go_over(self, drain_seconds: int) -> None:
        """Users go over to `current/`; what the other container has begun it may end, for so long at most."""
        self.run("go_over", CHANGE_SECONDS + drain_seconds, DRAIN_SECONDS=str(drain_seconds))

    def certify(self, certificate: Certificate) -> None:
        """What nginx shows users is issued and will be renewed; `HostError` says why an authority refuses."""
        program = self.program(
            "certificate",
            DOMAIN=certificate.domain,
            EMAIL=certificate.email,
            SERVER=certificate.server,
            IMAGE=certificate.image,
            ROOM_MB=str(CERTBOT_MB),
            METRICS=certificate.metrics,
        )
        kept = f"{certificate.domain} {certificate.server}"
        self.run("certify", STAGE_SECONDS, PROGRAM=program, KEPT=kept)

    def record(self, entry: Mapping[str, Any]) -> None:
        before = self.observe().ledger
        current = before.get("current")
        again = current is not None and current.get("digest") == entry.get("digest")
        ledger = {"current": dict(entry), "previous": before.get("previous") if again else current}
        self.run("record", CHANGE_SECONDS, LEDGER=packed(json.dumps(ledger)))

    def log_tail(self, lines: int = 20) -> tuple[str, ...]:
        return tuple(self.run("log", LOOK_SECONDS, LINES=str(lines)).out.splitlines()[-lines:])

    def run(self, script: str, timeout_seconds: float, **variables: str) -> Output:
        """The output of a script that ended well; `HostError` with the reason it gave itself otherwise."""
        output = self._session.run(self._text(script, variables), timeout_seconds)
        if output.code:
            raise HostError(f"{self._host.name}: {reason(output)}")
        return output

    @property
    def names(self) -> dict[str, str]:
        """What every script is told."""
        project = self._project
        return {
            "APP_DIR": project.directory,
            "PROJECT": project.name,
            "SERVICE": project.service,
            "PORT": str(project.port),
            "REGION": project.region,
            "WAY": "single" if project.single else "balancer",
        }

    def program(self, script: str, **variables: str) -> str:
        """A script that stays on the host and runs there by itself, packed as the script that installs it takes it."""
        given = [f"{name}={shlex.quote(value)}" for name, value in {**self.names, **variables}.items()]
        return packed("\n".join(["#!/bin/sh", *given, *self._parts(script)]))

    def _text(self, script: str, variables: Mapping[str, str]) -> str:
        """One compound command: a shell runs it only when all of it has arrived, and nothing in it reads the rest."""
        assignments = [f"{name}={shlex.quote(value)}" for name, value in {**self.names, **variables}.items()]
        return "\n".join(["{", *assignments, *self._parts(script), "} </dev/null", ""])

    @staticmethod
    def _parts(script: str) -> list[str]:
        return [(FILES / "common.sh").read_text(), (FILES / f"{script}.sh").read_text()]


def reason(output: Output) -> str:
    """What the script said itself, or the last line it left."""
    said = [line.removeprefix("fail: ") for line in output.err.splitlines() if line.startswith("fail: ")]
    left = [line for line in f"{output.out}\n{output.err}".splitlines() if line.strip()]
    return (said or left or [f"the script ended with {output.code} and said nothing"])[-1]


def health_look(text: str, *, asked: bool) -> HealthLook:
    """The worst of the containers decides; `text` is what health.sh printed."""
    answer = _pairs(text).get("answer", "")
    wanted = _pairs(text).get("wanted", "")
    looks = [line.removeprefix("look=").split(" ") for line in text.splitlines() if line.startswith("look=")]
    worst = min(looks, key=lambda look: _good(look, wanted), default=["", "missing", "-", "0", "-"])
    _, state, health, restarts, _ = worst
    good = _good(worst, wanted) and (answer.startswith("2") or not asked)
    looping = int(restarts) >= RESTARTS_ARE_FINAL
    return HealthLook(
        healthy=good,
        state="restarting" if looping and state == "running" and not good else state,  # it runs between two ends
        health="" if health == "-" else health,
        answer=f"HTTP {answer}" if answer.isdigit() and answer != "000" else answer.splitlines()[-1] if answer else "",
        final=not good and (state in ("exited", "dead") or looping),
    )


def _good(look: list[str], wanted: str) -> bool:
    """Runs, says it is healthy or has nothing to say, and is the image that is installed, where `.env` names one."""
    _, state, health, _, image = look
    return state == "running" and health in ("healthy", "-") and (not wanted or image == wanted)


def _pairs(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
