"""The data host that a command's environment names, and the way to it: shared by what acts on it."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from actions.clients import Clients
from actions.environment import text as environment_text
from actions.hosts.access import access_from_environment
from actions.hosts.data import Backups, DataMachine
from actions.hosts.host import Host, StagedRelease
from actions.hosts.machine import Project
from actions.lifeline import Cancellation
from actions.progress import Progress


@dataclass(frozen=True, kw_only=True)
class DataRequest:
    """One data host and what shall be on it."""

    host: Host
    project: Project
    release: StagedRelease
    backups: Backups
    schedule: str  # systemd's OnCalendar
    timeout_seconds: int


def from_environment(environment: Mapping[str, str] = os.environ) -> DataRequest:
    """Raises `ReleaseError` naming the variable that is missing."""

    text = partial(environment_text, environment=environment)
    return DataRequest(
        host=Host(**json.loads(text("HOST"))),
        project=Project(
            name=text("PROJECT"), directory=text("APP_DIR"), region=text("REGION"), service="", health_path=""
        ),
        release=StagedRelease(
            image="", tag="", compose=text("COMPOSE"), nginx="", variables=json.loads(text("VARIABLES"))
        ),
        backups=Backups(bucket=text("BACKUP_BUCKET"), prefix=text("BACKUP_PREFIX")),
        schedule=text("BACKUP_SCHEDULE"),
        timeout_seconds=int(text("TIMEOUT_SECONDS")),
    )


@contextmanager
def reached(request: DataRequest, cancellation: Cancellation, progress: Progress) -> Iterator[DataMachine]:
    """The host's machine, for as long as the way to it is open."""
    aws = Clients(request.project.region)
    with access_from_environment(aws, request.project, cancellation, progress) as access:
        yield DataMachine(request.host, access.session(request.host), request.project)
