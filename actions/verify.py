"""Is the released version really what users get? Asked the way a user asks: through the balancer."""

import time
from dataclasses import dataclass

import requests

from actions import users
from actions.errors import ReleaseError
from actions.lifeline import Cancellation
from actions.progress import Progress

BETWEEN_PASSES_SECONDS = 0.5
TIMEOUT_SECONDS = 5.0
ASKED_AT_ONCE, ROUNDS = 8, 2


@dataclass(frozen=True, kw_only=True)
class Passed:
    """`passes` good answers in a row; milliseconds of the slowest."""

    passes: int
    slowest_ms: int


def passes(url: str, wanted: int, deadline: float, cancellation: Cancellation, progress: Progress) -> Passed:
    """Waits for `wanted` consecutive answers of 200-299, no longer than `deadline` (time.monotonic()).

    Raises `ReleaseError` with the last answer when they do not come.
    """
    good, slowest, last, told = 0, 0.0, "no answer", ""
    with users.session(url) as session:
        while good < wanted:
            if time.monotonic() > deadline:
                raise ReleaseError(f"{url} did not pass {wanted} times in a row; the last answer was {last}")
            began = time.monotonic()
            passed, last = _ask(session, url)
            if passed:
                good, slowest = good + 1, max(slowest, time.monotonic() - began)
            else:
                if last != told:
                    progress.say(f"{url} answers {last}")
                good, slowest, told = 0, 0.0, last
            if good < wanted:
                cancellation.wait(BETWEEN_PASSES_SECONDS)
    return Passed(passes=good, slowest_ms=round(slowest * 1000))


def everywhere(url: str, cancellation: Cancellation) -> None:
    """Answers in quick succession, of which hosts that take turns each give some.

    Raises `ReleaseError` when some are bad, and some again a moment later.
    """
    bad: list[str] = []
    with users.session(url) as session:
        for _ in range(ROUNDS):
            answers = [_ask(session, url) for _ in range(ASKED_AT_ONCE)]
            bad = [said for passed, said in answers if not passed]
            if not bad:
                return
            cancellation.wait(BETWEEN_PASSES_SECONDS)
    raise ReleaseError(f"{url} answered {bad[-1]} to {len(bad)} of {ASKED_AT_ONCE} requests")


def _ask(session: requests.Session, url: str) -> tuple[bool, str]:
    try:
        status = session.get(url, timeout=TIMEOUT_SECONDS, allow_redirects=False).status_code
    except requests.RequestException as error:
        return False, type(error).__name__
    return 200 <= status < 300, f"HTTP {status}"
