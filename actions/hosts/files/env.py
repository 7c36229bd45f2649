"""Print the lines of `.env` on the host itself: `env.py REGION FILE`, FILE names variable and SSM parameter by line.

Runs with whatever Python the host has, so it uses nothing but the standard library and the AWS command line.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys

AT_ONCE = 10  # GetParameters takes no more
ESCAPES = {"\\": "\\\\", '"': '\\"', "$": "\\$", "\n": "\\n", "\r": "\\r"}


def quoted(value: str) -> str:
    """As Docker Compose reads it back unchanged."""
    return '"' + re.sub(r'[\\"$\n\r]', lambda match: ESCAPES[match.group()], value) + '"'


def values_of(region: str, names: list[str]) -> dict[str, str]:
    """Name → value; ends the script with one sentence when a parameter is missing or refused."""
    found: dict[str, str] = {}
    for start in range(0, len(names), AT_ONCE):
        asked = names[start : start + AT_ONCE]
        command = ["aws", "ssm", "get-parameters", "--with-decryption", "--region", region, "--output", "json"]
        done = subprocess.run([*command, "--names", *asked], capture_output=True)
        if done.returncode:
            lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
            sys.exit("the parameters cannot be read: " + lines[-1])
        answer = json.loads(done.stdout.decode())
        if answer["InvalidParameters"]:
            sys.exit("SSM has no parameter " + ", ".join(sorted(answer["InvalidParameters"])))
        found.update({parameter["Name"]: parameter["Value"] for parameter in answer["Parameters"]})
    return found


def main(region: str, file: str) -> None:
    with open(file) as lines:
        pairs = [line.split() for line in lines if line.strip()]
    values = values_of(region, sorted({name for _, name in pairs}))
    for variable, name in pairs:
        print(variable + "=" + quoted(values[name]))


if __name__ == "__main__":
    main(*sys.argv[1:])
