"""The stack on the real engine: one commit, Healthy at it; unhealthy is undone; drift is seen; git outlives it."""

import json
import re

from localcloud.astrago import world
from localcloud.astrago.world import Astrago
from tests.cloud.project import Project


def tags_in_git(services: Astrago) -> dict[str, str]:
    found = re.findall(r"imageTag: [\"']?((\w+)-stage-\w+)", services.values().decode())
    return {component: tag for tag, component in found}


def commits(services: Astrago) -> list[str]:
    return services.deployment.history(world.BRANCH)


def test_up_changes_the_named_tags_in_one_commit_and_argo_serves_it(astrago: Project, services: Astrago) -> None:
    proof = astrago.output("release")
    assert tags_in_git(services) == proof["tags"] == {name: services.tag(name, 0) for name in world.SOURCES}
    assert len(commits(services)) == 2 and commits(services)[0] == proof["commit"]
    changed = (services.deployment.run("show", "--format=", "--numstat", proof["commit"]) or b"").decode().split()
    assert changed == ["4", "4", world.VALUES.format(customer="xiilab")]
    application = services.argo.applications["astrago-xiilab"]
    assert proof["applications"] == {"astrago-xiilab": proof["commit"]}
    status = services.argo.status(application)
    assert (status["sync"]["revision"], status["health"]["status"]) == (proof["commit"], "Healthy")
    assert all(digest.startswith("sha256:") for digest in proof["digests"].values()) and len(proof["digests"]) == 4


def test_a_second_up_changes_nothing_and_asks_nobody(released: Project, services: Astrago) -> None:
    before, asked = commits(services), len(services.world.requests)
    released.up("--expect-no-changes")
    assert commits(services) == before and len(services.world.requests) == asked


def test_an_unhealthy_release_is_reverted_and_stays_pending(released: Project, services: Astrago) -> None:
    before, text = commits(services), services.values()
    now = services.tag("core", 0)
    bad = services.tag("core", 1)
    services.argo.bad.add(bad)
    released.set("tags.core", bad)
    done = released.up(check=False)
    assert done.returncode != 0
    assert "Deployment astrago-core" in done.stdout and f"CrashLoopBackOff of {bad}" in done.stdout, done.stdout
    assert services.values() == text and len(commits(services)) == len(before) + 2
    message = (services.deployment.run("log", "-1", "--format=%s", world.BRANCH) or b"").decode()
    assert message.startswith(f"Revert: Release core {now}")
    assert services.argo.status(services.argo.applications["astrago-xiilab"])["health"]["status"] == "Healthy"
    pending = released.pulumi("preview", "--diff").stdout
    assert re.search(rf'core.*"{now}" => "{bad}"', pending), pending
    services.argo.bad.clear()
    released.up()
    assert released.output("release")["tags"]["core"] == bad
    assert released.output("release")["previous"]["tags"]["core"] == now


def test_a_tag_edited_by_hand_shows_in_a_refresh(released: Project, services: Astrago) -> None:
    ours = released.output("tags")["monitor"]
    edited = services.values().replace(ours.encode(), b"monitor-stage-ba01")
    services.deployment.add(world.BRANCH, {world.VALUES.format(customer="xiilab"): edited}, "by hand")
    seen = released.pulumi("preview", "--refresh", "--diff").stdout
    assert re.search(rf'monitor.*"monitor-stage-ba01" => "{ours}"', seen), seen
    released.pulumi("refresh", "--yes")
    released.up()
    assert tags_in_git(services)["monitor"] == ours


def test_no_secret_in_state(released: Project, services: Astrago) -> None:
    state = "".join(path.read_text(errors="replace") for path in released.state.rglob("*") if path.is_file())
    for secret in (services.keys.github, services.keys.argocd, services.keys.registry):
        assert secret not in state


def test_zz_destroy_leaves_the_repository_alone(released: Project, services: Astrago) -> None:
    before, text = commits(services), services.values()
    released.pulumi("destroy", "--yes")
    assert commits(services) == before and services.values() == text
    assert json.loads(released.pulumi("stack", "export").stdout)["deployment"].get("resources", []) == []
