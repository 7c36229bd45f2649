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


@dataclass(frozen=True, kw_only=True)
class Passed:
    """`passes` good answers in a row; milliseconds of the slowest."""

    passes: int
    slowest_ms: int


def passes(
    url: str,
    wanted: int,
    deadline: float,
    cancellation: Cancellation,
    progress: Progress,
    pause: float = BETWEEN_PASSES_SECONDS,
) -> Passed:
    """Waits for `wanted` consecutive answers of 200-299, no longer than `deadline` (time.monotonic()).

    Good answers are `pause` seconds apart. Raises `ReleaseError` with the last answer when they do not come.
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
                cancellation.wait(pause if good else BETWEEN_PASSES_SECONDS)
    return Passed(passes=good, slowest_ms=round(slowest * 1000))


def _ask(session: requests.Session, url: str) -> tuple[bool, str]:
    try:
        status = session.get(url, timeout=TIMEOUT_SECONDS, allow_redirects=False).status_code
    except requests.RequestException as error:
        return False, type(error).__name__
    return 200 <= status < 300, f"HTTP {status}"
