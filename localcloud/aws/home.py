"""The directory of one local cloud: who it is, which port it has, and what runs for it."""

import fcntl
import json
import os
import secrets
import string
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

CLOUD_LABEL = "localcloud.id"  # on every container of a cloud; the value is the cloud's id
REGION = "us-east-1"
TRUST = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # where tools look for whom to trust


class CloudError(Exception):
    """The local cloud cannot do what was asked; the text is one sentence for the user."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What is made up once per home: the cloud's id and its administrator's access key."""

    cloud_id: str
    access_key_id: str
    secret_access_key: str


@dataclass(frozen=True, kw_only=True)
class Running:
    """A process of this cloud; the start time tells it from a later process with the same id."""

    pid: int
    started: str
    port: int = 0

    def alive(self) -> bool:
        return start_time(self.pid) == self.started


class Home:
    """Paths of a cloud's directory. Nothing outside of it is written."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.log = self.root / "cloud.log"
        self.balancer = self.root / "haproxy"
        self.repositories = self.root / "git"
        self.authority = self.root / "authority"
        self._identity = self.root / "identity.json"

    def create(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)

    def identity(self) -> Identity:
        """The cloud's id and administrator, made at the first call."""
        if not self._identity.exists():
            self.create()
            key = "AKIA" + "".join(secrets.choice(string.ascii_uppercase + "234567") for _ in range(16))
            made = Identity(
                cloud_id=secrets.token_hex(8), access_key_id=key, secret_access_key=secrets.token_urlsafe(30)
            )
            _write_private(self._identity, asdict(made))
        return Identity(**json.loads(self._identity.read_text()))

    def known(self) -> bool:
        """True when a cloud has ever been started here."""
        return self._identity.exists()

    def running(self, name: str) -> Running | None:
        """The recorded process `name` (server, haproxy) when it still lives."""
        try:
            found = Running(**json.loads((self.root / f"{name}.json").read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None
        return found if found.alive() else None

    def record(self, name: str, pid: int, port: int = 0) -> None:
        _write_private(self.root / f"{name}.json", asdict(Running(pid=pid, started=start_time(pid) or "", port=port)))

    def forget(self, name: str) -> None:
        (self.root / f"{name}.json").unlink(missing_ok=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One start or stop at a time."""
        self.create()
        with (self.root / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def start_time(pid: int) -> str | None:
    """When a process began, in clock ticks since boot; None when there is none or only its corpse is left."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else fields[19]  # a zombie, or dead altogether


def environment(identity: Identity, port: int, trusted: Path) -> dict[str, str]:
    """The variables under which AWS tools meet this cloud as its administrator, and everything trusts its HTTPS."""
    return {
        "AWS_ENDPOINT_URL": f"http://localhost:{port}",
        "AWS_ACCESS_KEY_ID": identity.access_key_id,
        "AWS_SECRET_ACCESS_KEY": identity.secret_access_key,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,  # what boto3 looks at
        "RUNNER_ADDRESS_URL": f"http://localhost:{port}/_localcloud/address",
        **dict.fromkeys(TRUST, str(trusted)),
    }


def _write_private(path: Path, content: dict[str, object]) -> None:
    temporary = path.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file)
    temporary.replace(path)
