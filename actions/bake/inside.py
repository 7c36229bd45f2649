"""Checks on the server itself, over SSH: services, log agent, clock, and what the build must not have left behind."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from actions.bake.health import RESTARTS_ARE_FINAL, Look
from actions.bake.outside import NotYet
from actions.bake.server import LOOK_SECONDS, Server, packed, pairs

READY = {"promtail": "http://127.0.0.1:9080/ready", "alloy": "http://127.0.0.1:12345/-/ready"}
SEARCH_SECONDS = 300.0  # through a whole disk
SHORTEST = 8  # characters of a value that can be searched for
UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}


class Wrong(Exception):
    """A check does not hold and never will."""


@dataclass(frozen=True, kw_only=True)
class Inside:
    """One server."""

    server: Server
    port: int
    health_path: str

    def services(self, wanted: tuple[str, ...]) -> str:
        look = Look.of(self._ask("health", PORT=str(self.port), HEALTH_PATH=self.health_path))
        missing = [unit for unit in wanted if unit not in look.units]
        if missing:
            raise Wrong(f"the image has no service {', '.join(missing)}")
        for unit in wanted:
            state, restarts = look.units[unit]
            if restarts >= RESTARTS_ARE_FINAL or state == "failed":
                raise Wrong(f"{unit} is {state} after {restarts} restarts")
            if state != "active":
                raise NotYet(f"{unit} is {state}")
        return f"{', '.join(wanted)} active"

    def log_agent(self, name: str) -> str:
        answer = pairs(self._ask("agent", URL=READY[name]))["answer"]
        if answer != "HTTP 200":
            raise NotYet(f"{name} is not ready: {answer}")
        return f"{name} is ready"

    def time(self, tolerance: float) -> str:
        seen = pairs(self._ask("time"))
        if seen["service"] == "none":
            raise Wrong("no service synchronises the clock: neither chrony nor systemd-timesyncd runs")
        if seen["synchronised"] != "true":
            raise NotYet(f"{seen['service']} has not synchronised the clock")
        offset, how = _offset(seen)
        if abs(offset) > tolerance:
            raise NotYet(f"the clock is off by {offset:+.3f} s ({how}), more than {tolerance:g} s")
        return f"{seen['service']} synchronised with {seen['source']}, offset {offset:+.6f} s ({how})"

    def leftovers(self, secrets: Mapping[str, str]) -> str:
        lines = sorted({line for value in secrets.values() if (line := _telling(value))})
        output = self._ask("leftovers", SEARCH_SECONDS, VALUES=packed("\n".join(lines)))
        found = [line.removeprefix("found=") for line in output.splitlines() if line.startswith("found=")]
        if found:
            raise Wrong(f"the image still holds {', '.join(found[:10])}")
        return f"sealed {pairs(output)['time']}, {len(lines)} of {len(secrets)} secrets searched for, nothing left"

    def _ask(self, script: str, seconds: float = LOOK_SECONDS, **variables: str) -> str:
        return self.server.run(script, seconds, **variables).out


def _telling(value: str) -> str:
    """The longest line of a value; empty where it is so short that it would be found anywhere."""
    longest = max(value.splitlines(), key=len, default="")
    return longest if len(longest) >= SHORTEST else ""


def _offset(seen: Mapping[str, str]) -> tuple[float, str]:
    """Seconds, as measured against the source, or as the service states it where the source does not answer twice."""
    if "measured" in seen:
        return float(seen["measured"]), "measured"
    match = re.match(r"([+-]?[\d.]+)(us|ms|s|min|h)?$", seen["stated"].strip())
    if match is None:
        raise NotYet(f"{seen['service']} states no offset")
    return float(match[1]) * UNITS[match[2] or "s"], f"as {seen['service']} states it"
