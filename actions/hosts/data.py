"""The data host: a compose project as any, and the backups of its database."""

import json
import re
from dataclasses import dataclass
from typing import Any

from actions.hosts.host import HostError
from actions.hosts.machine import CHANGE_SECONDS, ComposeMachine

DATABASE = re.compile(r"[A-Za-z0-9_]{1,64}")  # MySQL's limit of length; no quoting needed
KEY = re.compile(r"[\w./=-]{1,512}")
BACKUP_SECONDS = 3600.0


@dataclass(frozen=True, kw_only=True)
class Backups:
    """Where backups lie."""

    bucket: str
    prefix: str  # of the keys: mysql/


class DataMachine(ComposeMachine):
    """One data host."""

    def install_backup(self, backups: Backups, schedule: str) -> str:
        """The timer that makes backups; when it does so next."""
        program = self.program("backup", BUCKET=backups.bucket, PREFIX=backups.prefix)
        output = self.run("install_backup", CHANGE_SECONDS, PROGRAM=program, SCHEDULE=schedule)
        return output.out.partition("next=")[2].strip()

    def backup(self, backups: Backups) -> dict[str, Any]:
        """One backup now: its key, size and checksum."""
        output = self.run("backup", BACKUP_SECONDS, BUCKET=backups.bucket, PREFIX=backups.prefix)
        made: dict[str, Any] = json.loads(output.out)
        return made

    def restore(self, backups: Backups, *, key: str, database: str, over: bool) -> dict[str, Any]:
        """A backup (default: the newest) into an empty database; into one that is not only when told."""
        if not DATABASE.fullmatch(database):
            raise HostError(f"{database!r} is not a database's name: letters, digits and '_', at most 64")
        if key and not KEY.fullmatch(key):
            raise HostError(f"{key!r} is not a backup's key")
        names = {"BUCKET": backups.bucket, "PREFIX": backups.prefix, "KEY": key, "DATABASE": database}
        output = self.run("restore", BACKUP_SECONDS, **names, OVER="true" if over else "false")
        done: dict[str, Any] = json.loads(output.out)
        return done
