"""The addresses from which this runner reaches a cloud, as a CIDR; printed as one JSON object."""

import ipaddress
import os
import sys
from collections.abc import Mapping

import requests

from actions import running
from actions.environment import text
from actions.errors import ReleaseError

ADDRESS_SECONDS = 10.0


def cidr(environment: Mapping[str, str]) -> str:
    """What the configuration says, or the one address that ADDRESS_URL tells."""
    if given := environment.get("RUNNER_CIDR"):
        return given
    url = text("ADDRESS_URL", environment)
    try:
        with requests.Session() as session:
            session.trust_env = False  # SSH takes no proxy either
            answer = session.get(url, timeout=ADDRESS_SECONDS)
        answer.raise_for_status()
        return f"{ipaddress.IPv4Address(answer.text.strip())}/32"
    except (requests.RequestException, ipaddress.AddressValueError) as error:
        raise ReleaseError(f"{url} does not tell this runner's address: {error}") from error


if __name__ == "__main__":
    sys.exit(running.run(lambda _clock, _progress: {"cidr": cidr(os.environ)}))
