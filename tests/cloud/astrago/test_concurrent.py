"""Twenty releases at once, each a process of its own, on one file: all land."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from localcloud.astrago import world
from tests.cloud.project import ROOT

MANY = 20
FILE = world.VALUES.format(customer="many")


def test_twenty_releases_at_once_all_land(tmp_path: Path) -> None:
    parts = [f"part{number:02}" for number in range(MANY)]
    text = "# everything of one customer\nastrago:\n" + "".join(
        f"  {part}:\n    imageTag: '{part}-0'\n" for part in parts
    )
    with world.serve(tmp_path, world.Keys.fresh()) as services:
        services.deployment.add(world.BRANCH, {FILE: text.encode()}, "A customer with many parts")
        before = len(services.deployment.history(world.BRANCH))
        commit = services.applications[world.BACKEND].history(world.APPLICATION_BRANCH)[0][:8]
        running = [start(services, part, f"{part}-stage-{commit}") for part in parts]
        proofs = []
        for process in running:
            out, err = process.communicate(timeout=300)
            assert process.returncode == 0, err
            proofs.append(json.loads(out))
        assert len(services.deployment.history(world.BRANCH)) == before + MANY
        found = (services.deployment.content(world.BRANCH, FILE) or ("", b""))[1].decode()
    assert found == re.sub(r"'(part\d+)-0'", rf"'\1-stage-{commit}'", text)
    attempts = sorted(proof["attempts"] for proof in proofs)
    print(f"\nattempts of {MANY} releases at once: {attempts}")
    assert all(proof["calls"] <= 3 * proof["attempts"] for proof in proofs)


def start(services: world.Astrago, part: str, tag: str) -> "subprocess.Popen[str]":
    services.images.add(world.BACKEND, tag)
    settings = {
        "TAGS": json.dumps({part: tag}),
        "IMAGES": json.dumps({part: f"{services.registry.host}/{world.BACKEND}"}),
        "SOURCES": json.dumps({part: world.BACKEND}),
        "REPOSITORY": world.DEPLOYMENT,
        "BRANCH": world.BRANCH,
        "FILES": FILE,
        "KEY": "astrago.{component}.imageTag",
        "WAY": "commit",
        "TIMEOUT_SECONDS": "60",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "actions.release_gitops"],
        cwd=ROOT,
        env={**os.environ, **services.variables(), **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
