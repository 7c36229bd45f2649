"""What the cloud holds, kept in a file: a server that is killed and started again still knows it all."""

import json
import threading
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from localcloud.openstack.model import Answer, Refusal, Thing, nova

KINDS = (
    *("flavors", "keypairs", "servers", "images", "volumes", "snapshots"),
    *("networks", "subnets", "ports", "floating_ips", "groups", "rules", "tokens"),
)
QUOTAS = {"servers": 10, "keypairs": 100, "images": 50, "volumes": 20, "ports": 50, "floating_ips": 10, "groups": 20}
PROJECT = "local"
USER = "local"
NAMESPACE = uuid.UUID("6d1f0c64-0a5e-4a5e-9a57-0f3c1d2b7a10")


class World:
    """Resources by kind and id. Whoever reads or changes more than one holds `lock`."""

    def __init__(self, file: Path | None = None) -> None:
        self.lock = threading.RLock()
        self.quotas = dict(QUOTAS)
        self._file = file
        held: dict[str, Any] = json.loads(file.read_text()) if file and file.exists() else {}
        self._kinds: dict[str, dict[str, Thing]] = {kind: held.get(kind, {}) for kind in KINDS}

    def of(self, kind: str) -> dict[str, Thing]:
        """All of a kind, by id."""
        return self._kinds[kind]

    def listed(self, kind: str) -> list[Thing]:
        """All of a kind, newest last."""
        return list(self._kinds[kind].values())

    def get(self, kind: str, key: str, otherwise: Refusal) -> Thing:
        """One of them, or the refusal."""
        found = self._kinds[kind].get(key)
        if found is None:
            raise otherwise
        return found

    def add(self, kind: str, thing: Thing) -> Thing:
        """Keep a new one."""
        self._kinds[kind][thing["id"]] = thing
        return thing

    def remove(self, kind: str, key: str) -> None:
        """Forget one; nothing to do when it is gone."""
        self._kinds[kind].pop(key, None)

    def full(self, kind: str) -> bool:
        """Whether the quota is used up."""
        return kind in self.quotas and len(self._kinds[kind]) >= self.quotas[kind]

    def control_quotas(self, method: str, body: Any) -> Answer:
        """`/quotas`: how many there may be, by kind."""
        if method == "POST":
            if not isinstance(body, dict) or not set(body) <= set(QUOTAS):
                raise nova(400, f"quotas are numbers by {', '.join(QUOTAS)}")
            self.quotas |= {kind: int(value) for kind, value in body.items()}
        elif method == "DELETE":
            self.quotas = dict(QUOTAS)
        return Answer(body=self.quotas)

    def save(self) -> None:
        """Write it all down; it appears whole or not at all."""
        if self._file is None:
            return
        with self.lock:
            fresh = self._file.with_suffix(".new")
            fresh.touch(mode=0o600)
            fresh.write_text(json.dumps(self._kinds))
            fresh.replace(self._file)


def new_id() -> str:
    return str(uuid.uuid4())


def fixed_id(name: str) -> str:
    """An id that is the same in every local cloud."""
    return str(uuid.uuid5(NAMESPACE, name))


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def bare_now() -> str:
    """As Cinder writes a time, and Nova one of its."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
