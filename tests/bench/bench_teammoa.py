"""Speed of TeamMoa's rolling release as ratios within one run: against what its hosts themselves need, and against the
script of its document on the same fleet.
"""

import time
from pathlib import Path
from typing import Any

from tests.bench.ratios import report, report_preview, seconds
from tests.cloud.session import LocalSession
from tests.cloud.teammoa.conftest import now, other, released, teammoa
from tests.cloud.teammoa.fleet import Fleet

__all__ = ["now", "other", "released", "teammoa"]

FASTER, SHORTER = 2.5, 2.0  # than the script of the document: a whole release, and a host out of service
INTERVAL_SECONDS, THRESHOLD = 5, 2  # the target group's health check on the local stack
ON_HOST = """
cd /opt/teammoa/current && sed -i 's|^IMAGE=.*|IMAGE="{image}"|' .env
docker image rm --force {image} >/dev/null 2>&1
aws ecr get-login-password --region us-east-1 | docker login --username AWS --password-stdin {registry} >/dev/null
docker compose --project-name teammoa pull --quiet web && docker compose --project-name teammoa up --detach web
for attempt in 1 2 3; do
    sleep 10
    docker compose --project-name teammoa ps web | grep -q healthy && exit 0
done
exit 1
"""


def test_preview_of_an_unchanged_stack(released: Fleet, tmp_path: Path) -> None:
    report_preview(released.project, tmp_path)


def test_release_against_its_hosts_and_against_the_documents_script(
    released: Fleet, now: str, other: str, aws: LocalSession
) -> None:
    before = released.project.output("release")
    whole = seconds(lambda: released.project.release(other))
    proof = released.project.output("release")
    print(f"\nsteps: {proof['seconds']}; hosts: {[host['steps'] for host in proof['hosts']]}; up {whole:.1f} s")
    report("fleet, against its critical path", proof["seconds"]["total"], critical_path(proof), 1.15)
    script, out_of_service = documents_script(released, before, aws)
    ours = max(host["out_of_service_seconds"] for host in proof["hosts"])
    report("a host out of service, against the script", ours, max(out_of_service), 1 / SHORTER)
    report("release, against the document's script", proof["seconds"]["total"], script, 1 / FASTER)


def critical_path(proof: dict[str, Any]) -> float:
    """What cannot be had sooner: the slowest host of each wave, after what comes before and with what follows."""
    steps = {host["name"]: host["steps"] for host in proof["hosts"]}
    needed = {
        name: sum(step.get(part, 0.0) for part in ("drain", "switch", "local health")) + THRESHOLD * INTERVAL_SECONDS
        for name, step in steps.items()
    }
    waves = sum(max(needed[name] for name in wave) for wave in proof["waves"])
    around = sum(proof["seconds"].get(part, 0.0) for part in ("preflight", "stage", "migrate", "verify"))
    return float(waves + around)


def documents_script(fleet: Fleet, release: dict[str, Any], aws: LocalSession) -> tuple[float, list[float]]:
    """Host by host: out, pulled and started while out, in, each with the AWS CLI's own waiter; its seconds."""
    elb = aws.client("elbv2")
    group = elb.describe_target_groups()["TargetGroups"][0]["TargetGroupArn"]
    repository = release["image"].rsplit(":", 1)[0]
    script = ON_HOST.format(image=f"{repository}@{release['digest']}", registry=repository.split("/")[0])
    out_of_service = []
    began = time.monotonic()
    for host in fleet.project.output("release")["hosts"]:
        target = {"TargetGroupArn": group, "Targets": [{"Id": host["instance"], "Port": 8000}]}
        left = time.monotonic()
        elb.deregister_targets(**target)
        elb.get_waiter("target_deregistered").wait(**target)
        fleet.on(host, script)
        elb.register_targets(**target)
        elb.get_waiter("target_in_service").wait(**target)
        out_of_service.append(time.monotonic() - left)
    return time.monotonic() - began, out_of_service
