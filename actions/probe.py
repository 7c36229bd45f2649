"""A user of the service for the length of a release: one small request after the other, every answer counted."""

import threading
import time
from dataclasses import asdict, dataclass, field

import requests

from actions import users

INTERVAL_SECONDS = 0.1
TIMEOUT_SECONDS = 5.0
VERSION_HEADER = "X-Version"  # what the application calls itself, when it says so
KEPT_ERRORS = 5


@dataclass
class Seen:
    """One version and when it answered, in seconds since the probe began."""

    version: str
    first: float
    last: float
    answers: int = 1


@dataclass
class ProbeResult:
    """What a user would have noticed. Times in seconds since the probe began."""

    requests: int = 0
    failures: int = 0
    longest_gap: float = 0.0  # between two good answers
    versions: list[Seen] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)  # the first few, with their time

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


class Probe:
    """Asks `url` until stopped. Where nothing was served before, counting begins with the first good answer."""

    def __init__(self, url: str, *, serving: bool) -> None:
        self._url = url
        self._counting = serving
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="probe", daemon=True)
        self.result = ProbeResult()
        self._began = self._last_good = time.monotonic()

    def start(self) -> None:
        self._began = self._last_good = time.monotonic()
        self._thread.start()

    def stop(self) -> ProbeResult:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(TIMEOUT_SECONDS + 1)
        return self.result

    def _run(self) -> None:
        with users.session(self._url) as session:
            while not self._stop.is_set():
                due = time.monotonic() + INTERVAL_SECONDS
                self._ask(session)
                self._stop.wait(max(0.0, due - time.monotonic()))

    def _ask(self, session: requests.Session) -> None:
        try:
            answer = session.get(self._url, timeout=TIMEOUT_SECONDS, allow_redirects=False)
        except requests.RequestException as error:
            self._failed(type(error).__name__)
            return
        if answer.status_code >= 400:
            self._failed(f"HTTP {answer.status_code}")
        else:
            self._good(answer.headers.get(VERSION_HEADER, "unnamed"))

    def _good(self, version: str) -> None:
        now = time.monotonic()
        if not self._counting:
            self._counting = True
            self._last_good = now
        self.result.requests += 1
        self.result.longest_gap = round(max(self.result.longest_gap, now - self._last_good), 2)
        self._last_good = now
        at = round(now - self._began, 1)
        seen = next((entry for entry in self.result.versions if entry.version == version), None)
        if seen is None:
            self.result.versions.append(Seen(version, at, at))
        else:
            seen.last, seen.answers = at, seen.answers + 1

    def _failed(self, what: str) -> None:
        if not self._counting:
            return
        now = time.monotonic()
        self.result.requests += 1
        self.result.failures += 1
        self.result.longest_gap = round(max(self.result.longest_gap, now - self._last_good), 2)
        if len(self.result.errors) < KEPT_ERRORS:
            self.result.errors.append(f"{now - self._began:.1f} s: {what}")
