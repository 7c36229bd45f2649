"""A bake that fails at any of its steps says why, and `pulumi destroy` leaves nothing of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.cloud.photo_api.bakery import BAKE, Bakery

NOTHING: dict[str, Any] = {}


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What is made to go wrong, and the words by which the user learns of it."""

    says: str
    fault: dict[str, Any] = field(default_factory=dict)
    quota: dict[str, int] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    source: Callable[[Bakery], None] | None = None


def missing_wheel(bakery: Bakery) -> None:
    (bakery.source / "requirements.txt").write_text("no-such-package-of-photo-api==1.0\n")


def never_healthy(bakery: Bakery) -> None:
    bakery.change("app/main.py", '"""The sample service', 'raise SystemExit("no way")\n"""The sample service')


FAILURES = {
    "flavor": Failure(says="flavor: there is no m9, only", values={"flavor": "m9"}),
    "network": Failure(says="network: there is no lan, only", values={"network": "lan"}),
    "image name": Failure(says="there is no active image of that name", values={"baseImage": "windows"}),
    "secret": Failure(says="NOT_THERE must be in the environment", values={"secrets": {"JWT_SECRET": "NOT_THERE"}}),
    "group": Failure(says="Quota exceeded", quota={"groups": 0}),
    "port": Failure(says="Quota exceeded", quota={"ports": 0}),
    "address": Failure(says="Quota exceeded", quota={"floating_ips": 0}),
    "quota of servers": Failure(says="Quota exceeded", quota={"servers": 0}),
    "server": Failure(says="is in ERROR: ", fault={"on": "server-error"}),
    "wheel": Failure(says="no-such-package-of-photo-api", source=missing_wheel),
    "ssh": Failure(says="SSH", fault={"on": "no-ssh"}, values={"timeouts": {"boot": 8}}),
    "host key": Failure(says="host key", fault={"on": "other-host-key"}),
    "health": Failure(says="health", values={"timeouts": {"health": 5}}, source=never_healthy),
    "image killed": Failure(says="failed: it is killed", fault={"on": "image-killed"}),
    "image queued": Failure(says="failed: it is queued", fault={"on": "image-queued"}),
    "image vanishes": Failure(says="vanished", fault={"on": "image-vanishes"}),
    "image stuck": Failure(
        says="is not done after 6 s",
        fault={"on": "image-stuck", "seconds": 15},  # what is being uploaded cannot be deleted: destroy waits for it
        values={"timeouts": {"image": 6, "cleanup": 60}},
    ),
}
ORDINARY = ("server",)


@pytest.mark.parametrize(
    "name", [name if name in ORDINARY else pytest.param(name, marks=pytest.mark.thorough) for name in FAILURES]
)
def test_a_failure_is_named_and_destroy_leaves_nothing(bakery: Bakery, name: str) -> None:
    failure = FAILURES[name]
    bakery.configure(BAKE, **failure.values)
    if failure.source:
        failure.source(bakery)
    if failure.fault:
        bakery.world.control("faults", [failure.fault])
    if failure.quota:
        bakery.world.control("quotas", failure.quota)
    said = bakery.fails()
    assert failure.says in said, said[-4000:]
    for secret in ("hush-hush-4711", bakery.world.variables["OS_PASSWORD"]):
        assert secret not in said
    bakery.world.calm()
    bakery.destroy()
    assert bakery.left() == set()


@pytest.mark.thorough
@pytest.mark.parametrize(
    "fault",
    [
        {"on": "token-expires", "path": "/compute/"},
        {"on": "too-many-requests", "times": 4, "retryAfter": 1},
        {"on": "unavailable", "times": 3, "method": "GET", "path": "/image/"},
        {"on": "lost-answer", "times": 1, "method": "POST", "path": "/volume/.*/action"},
        {"on": "cut-upload", "bytes": 200000},
    ],
    ids=lambda fault: str(fault["on"]),
)
def test_what_passes_is_survived(bakery: Bakery, fault: dict[str, Any]) -> None:
    bakery.world.control("faults", [fault])
    bakery.up()
    bakery.destroy()
    assert bakery.left() == set()


@pytest.mark.thorough
def test_a_deletion_that_is_refused_for_a_while_is_repeated(bakery: Bakery) -> None:
    bakery.up()
    bakery.world.control("faults", [{"on": "delete-refused", "times": 2}])
    bakery.project.pulumi("destroy", "--yes", "--skip-preview", "--stack", BAKE, check=False)
    bakery.world.calm()
    bakery.destroy()
    assert bakery.left() == set()


@pytest.mark.thorough
def test_a_local_disk_is_imaged_by_nova(bakery: Bakery) -> None:
    bakery.configure(BAKE, flavor="u2.small", volumeSizeGb=0)
    assert "by Nova from the local disk" in bakery.up()
    bakery.destroy()
    assert bakery.left() == set()


@pytest.mark.thorough
def test_what_is_kept_on_purpose_stays_and_says_how_it_goes(bakery: Bakery) -> None:
    bakery.configure(BAKE, skipCleanup=True)
    bakery.up()
    run = bakery.outputs()["run"]
    said = bakery.destroy(BAKE)
    assert f"python -m actions.end_run {run}" in said and "ssh -i " in said
    assert any(thing.startswith("server ") for thing in bakery.left())
    bakery.project.run("python", "-m", "actions.end_run", run)
    assert bakery.left() == set()
