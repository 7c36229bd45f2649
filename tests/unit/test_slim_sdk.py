"""The slim SDK declares the same, with less: in a process of its own, because it changes what others import."""

import json
import subprocess
import sys
from typing import Any

from components.slim_sdk import SERVICES

PROGRAM = """
import json, sys
SLIM = sys.argv[1] == "slim"
if SLIM:
    from components import slim_sdk
    slim_sdk.install()
from stacks.liveinsight import declare
from tests.unit.engine_double import Engine
from tests.unit.test_liveinsight import ALL, HTTPS
from tests.unit.liveinsight_config import settings
from stacks import teammoa
from tests.unit import teammoa_config
full = {"certificateDomain": "example.com", "budget": {"email": "a@b.cd"}, "alarms": {"email": "a@b.cd"}}
made = Engine().run(lambda: declare(settings(**ALL, **HTTPS))).made
made += Engine(stack="teammoa.test").run(lambda: teammoa.declare(teammoa_config.settings(**full))).made
print(json.dumps({
    "made": sorted([one.type, one.name, json.dumps(one.inputs, sort_keys=True, default=str)] for one in made),
    "loaded": sum(name.startswith("pulumi_aws.ec2.") for name in sys.modules),
    "services": sorted({one.type.split(":")[1].split("/")[0] for one in made if one.type.startswith("aws:")}),
}))
"""


def run(kind: str) -> dict[str, Any]:
    # Not a single deprecated name: with the slim SDK every warning is an error.
    warnings = ["-W", "error"] if kind == "slim" else []
    done = subprocess.run([sys.executable, *warnings, "-c", PROGRAM, kind], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_it_declares_the_same_and_imports_less() -> None:
    slim, full = run("slim"), run("full")
    assert slim["made"] == full["made"]
    assert set(SERVICES).issuperset(slim["services"])
    assert int(str(slim["loaded"])) < 20 < 100 < int(str(full["loaded"]))
